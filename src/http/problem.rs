//! What can go wrong, as RFC 9457 problem details. One table holds every code; nothing else names a status.

use super::language::{BothLanguages, Language};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! problem_codes {
    ($($name:ident $status:literal $code:literal $zh:literal $zh_advice:literal $en:literal $en_advice:literal,)+) => {
        /// A kind of problem. Codes are part of the interface: they are added to, never changed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $(#[doc = $en] $name,)+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Returns the code as written in answers; its type is `/problems/<code>`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Returns the HTTP status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                let number: u16 = match self { $(Self::$name => $status,)+ };
                StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }

            /// Returns what happened, for people.
            #[must_use]
            pub const fn title(self, language: Language) -> &'static str {
                match (self, language) { $((Self::$name, Language::Zh) => $zh, (Self::$name, Language::En) => $en,)+ }
            }

            /// Returns what to do about it.
            #[must_use]
            pub const fn advice(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::Zh) => $zh_advice, (Self::$name, Language::En) => $en_advice,)+
                }
            }
        }
    };
}

problem_codes! {
    BadRequest 400 "bad_request"
        "请求无法理解" "请按接口文档检查请求的格式。"
        "the request cannot be understood" "Check its shape against the API description.",
    InvalidParameter 400 "invalid_parameter"
        "参数有误" "请按说明改正该参数。"
        "a parameter is wrong" "Correct the parameter named.",
    KeyMissing 401 "key_missing"
        "需要登录" "请登录，或在 Authorization 标头中以 Bearer 方式出示密钥。"
        "a key is needed" "Log in, or send the key in the Authorization header as a Bearer token.",
    KeyUnknown 401 "key_unknown"
        "密钥无效" "请检查密钥是否完整复制。"
        "the key is not known" "Check that it was copied whole.",
    KeyRevoked 401 "key_revoked"
        "密钥已吊销" "请向管理员申请新密钥。"
        "the key was revoked" "Ask for a new one.",
    KeyExpired 401 "key_expired"
        "密钥或会话已过期" "请重新登录，或申请新密钥。"
        "the key or session has expired" "Log in again, or ask for a new key.",
    Forbidden 403 "forbidden"
        "无权进行此操作" "请由有此权限的单位办理。"
        "this is not within your rights" "Ask the office that has this right.",
    OutOfScope 403 "out_of_scope"
        "不在您的管辖范围内" "请由主管该商户或商场的单位办理。"
        "this is outside your scope" "Ask the office in charge of this merchant or mall.",
    FormStale 403 "form_stale"
        "表单已失效" "请返回、刷新页面后重新提交。"
        "the form is stale" "Go back, reload the page and send it again.",
    ForeignSite 403 "foreign_site"
        "请求来自其他网站" "请从本系统的页面提交。"
        "the request comes from another site" "Send it from a page of this service.",
    NotFound 404 "not_found"
        "没有找到" "请检查地址；也可能不在您的管辖范围内。"
        "there is nothing here" "Check the address; it may also lie outside your scope.",
    MethodNotAllowed 405 "method_not_allowed"
        "此地址不支持该方法" "请按接口文档使用。"
        "this address does not take that method" "See the API description.",
    TooSlow 408 "too_slow"
        "请求内容传送过慢" "请检查网络后重新发送；大文件可打包或分成几份。"
        "the request came too slowly" "Check the line and send it again; pack a large file, or send it in parts.",
    Conflict 409 "conflict"
        "数据刚被他人改动" "请重新读取后再试。"
        "somebody else changed this just now" "Read it again and repeat.",
    IdempotencyKeyReused 409 "idempotency_key_reused"
        "幂等键已用于其他内容" "新的请求请换用新的键。"
        "the idempotency key was used for other content" "Use a new key for a new request.",
    TooLarge 413 "too_large"
        "请求过大" "请分批提交。"
        "the request is too large" "Send it in parts.",
    UnsupportedMediaType 415 "unsupported_media_type"
        "不支持的内容类型" "请使用接口文档所列的类型。"
        "this media type is not taken here" "Use one that the API description lists.",
    Refused 422 "refused"
        "内容未被接受" "没有任何记录被写入；请按所列问题改正后重新提交。"
        "the content was refused" "Nothing was recorded; correct what is listed and send it again.",
    TooManyRequests 429 "too_many_requests"
        "请求过于频繁或同时过多" "请稍后再试。"
        "too many requests, or too many at once" "Wait a little, then try again.",
    Internal 500 "internal"
        "系统内部错误" "请稍后再试；若再次出现，请将请求编号告知管理员。"
        "something went wrong inside" "Try again later; if it happens again, tell the operator the request id.",
    LogDamaged 500 "log_damaged"
        "事件日志已损坏" "请通知管理员运行 warnlight verify。"
        "the event log is damaged" "Tell the operator to run warnlight verify.",
    Unavailable 503 "unavailable"
        "服务暂不可用" "请稍后重试；同一幂等键可安全重发。"
        "the service is not available now" "Try again soon; repeating with the same idempotency key is safe.",
    InDoubt 503 "in_doubt"
        "未能确认是否已记录" "可能已记录、也可能未记录；请用同一幂等键重发，已记录的内容不会重复。未带幂等键的，请先查询再提交。"
        "whether it was recorded is not known" "It may be: send it again under the same idempotency key, which records nothing twice. If you sent no key, look first.",
    Behind 503 "behind"
        "本节点尚未跟上事件日志" "请稍后重试，或改由其他节点应答。"
        "this node has not caught up with the log yet" "Try again in a moment, or ask another node.",
    Crowded 503 "crowded"
        "同时接收的请求内容过多" "请稍后重试；也可改由其他节点接收，或调高 http.bodies_bytes。"
        "too much is being sent at once" "Try again in a moment, ask another node, or let the operator raise http.bodies_bytes.",
    Busy 503 "busy"
        "查询繁忙：涉及全部商户的查询过多" "请稍后重试；录入和单个商户的查询不受影响。"
        "too many questions over all merchants at once" "Try again in a moment; commands and questions about one merchant are answered meanwhile.",
    OutOfTime 503 "out_of_time"
        "查询超时" "请稍后重试；若总是超时，请联系管理员放宽查询时限。"
        "the question took too long" "Try again when less is asked at once; if it always takes too long, let the operator raise http.question_limit_seconds.",
    DiskFull 507 "disk_full"
        "磁盘已满" "没有任何记录被写入；请通知管理员。"
        "the disk is full" "Nothing was recorded; tell the operator.",
}

impl Code {
    /// Returns after how many seconds to try again, where waiting is all it takes.
    #[must_use]
    pub const fn retry_after(self) -> Option<u16> {
        match self {
            Self::Behind => Some(1),
            Self::Busy | Self::OutOfTime | Self::Crowded => Some(5),
            Self::TooManyRequests => Some(60),
            _ => None,
        }
    }

    /// Says whether a client can bring it about as often as it likes: nothing is wrong with the service, and its log is not filled
    /// with it.
    #[must_use]
    pub const fn is_by_asking(self) -> bool {
        matches!(self, Self::Behind | Self::Busy | Self::OutOfTime | Self::Crowded)
    }

    /// Returns the code that stands for a bare status, for answers made outside our handlers.
    #[must_use]
    pub fn for_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::TooSlow,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::TOO_MANY_REQUESTS => Self::TooManyRequests,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            status if status.is_client_error() => Self::BadRequest,
            _ => Self::Internal,
        }
    }
}

/// One thing wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldProblem {
    /// Index of the command in the request, from 0; absent for a single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// Name of the field.
    pub field: String,
    /// What kind of problem.
    pub code: String,
    /// The value found.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What is wrong and what to do, in Chinese.
    pub zh: String,
    /// What is wrong and what to do, in English.
    pub en: String,
}

impl FieldProblem {
    /// Returns what is wrong with a field of one command or form.
    pub(crate) fn new(field: &str, code: &str, value: &str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        let (field, code, value) = (field.to_owned(), code.to_owned(), value.to_owned());
        Self { index: None, field, code, value, zh: zh.into(), en: en.into() }
    }

    /// Returns the message in a language.
    #[must_use]
    pub fn message(&self, language: Language) -> &str {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }
}

/// Something that went wrong, on its way to whoever asked. It is drawn (JSON or a page) at the very front, where the
/// language is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub code: Code,
    /// The particulars: what exactly, where.
    pub detail: Option<BothLanguages>,
    /// Fields that are wrong.
    pub fields: Vec<FieldProblem>,
}

/// A problem as JSON (`application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ProblemDocument {
    /// `/problems/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in the language asked for.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The code, for programs.
    pub code: &'static str,
    /// The particulars, in the language asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do, in the language asked for.
    pub advice: &'static str,
    /// Id of this request, `urn:uuid:…`; the service's own log has it, too.
    pub instance: String,
    /// Fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<FieldProblem>,
}

impl Problem {
    /// Returns a problem with particulars, in Chinese and in English.
    #[must_use]
    pub fn new(code: Code, zh: impl fmt::Display, en: impl fmt::Display) -> Self {
        Self { code, detail: Some(BothLanguages::new(zh, en)), fields: Vec::new() }
    }

    /// Returns a problem whose cause only who runs the service can do something about: its words are English, stand in the
    /// service's own log beside the id of the request, and tell a reader of Chinese nothing.
    #[must_use]
    pub fn inside(code: Code, cause: impl fmt::Display) -> Self {
        Self::new(code, "原因已记入服务日志，请将请求编号告知管理员", cause)
    }

    /// Returns the problem as JSON shows it.
    #[must_use]
    pub fn document(&self, language: Language, request: &str) -> ProblemDocument {
        ProblemDocument {
            kind: format!("/problems/{}", self.code.name()),
            title: self.code.title(language),
            status: self.code.status().as_u16(),
            code: self.code.name(),
            detail: self.detail.as_ref().map(|detail| detail.pick(language).to_owned()),
            advice: self.code.advice(language),
            instance: format!("urn:uuid:{request}"),
            problems: self.fields.clone(),
        }
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self { code, detail: None, fields: Vec::new() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.title(Language::En))?;
        self.detail.iter().try_for_each(|detail| write!(f, ": {}", detail.en))
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_is_told_in_both_languages_and_no_two_are_alike() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.status().as_u16() >= 400, "{code:?}");
            for text in [code.title(Language::Zh), code.advice(Language::Zh)] {
                assert!(!text.is_ascii(), "`{text}` is not Chinese");
            }
            for text in [code.title(Language::En), code.advice(Language::En)] {
                assert!(text.is_ascii() && !text.is_empty(), "`{text}` is not English");
            }
        }
    }
}
