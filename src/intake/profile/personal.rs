//! Columns about persons: what `policies/intake/personal.toml` says of headers.

use crate::domain::personal::{MASK, masked};
use crate::intake::sheet::{SheetKind, header_name};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// Words of headers that speak of the person who complains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Personal {
    whole: Vec<String>,
    of_shops: Vec<String>,
    part: Vec<String>,
    unless: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonalFile {
    #[expect(dead_code, reason = "for people who read the file")]
    version: u32,
    #[expect(dead_code, reason = "for people who read the file")]
    source: String,
    whole: Vec<String>,
    of_shops: Vec<String>,
    part: Vec<String>,
    unless: Vec<String>,
}

impl Personal {
    /// Says whether a column with this header, which nothing reads, is about a person: in a sheet of this kind.
    #[must_use]
    pub fn is(&self, kind: SheetKind, header: &str) -> bool {
        self.is_said(&header_name(header), kind == SheetKind::Complaints)
    }

    /// Says whether a header by its name speaks of a person, where somebody complains or where nobody does.
    fn is_said(&self, name: &str, in_complaint: bool) -> bool {
        let is_among = |words: &[String]| words.iter().any(|word| word == name);
        let holds = |words: &[String]| words.iter().any(|word| name.contains(word.as_str()));
        is_among(&self.whole) && (in_complaint || !is_among(&self.of_shops))
            || holds(&self.part) && !holds(&self.unless)
    }

    /// Returns a line of JSON as it may be kept: without fields about persons, their numbers masked. A line that cannot be taken
    /// apart and speaks of such fields is not kept.
    #[must_use]
    pub fn without(&self, line: &str) -> String {
        match serde_json::from_str::<Value>(line) {
            Ok(mut value) => {
                let in_complaint = !is_of_shop(&value);
                if self.strip(&mut value, in_complaint) { value.to_string() } else { line.to_owned() }
            }
            Err(_) if self.speaks_in(line) => String::new(),
            Err(_) => masked(line).into_owned(),
        }
    }

    /// Takes fields about persons away and masks numbers in texts; says whether there was something. In a complaint an address may be
    /// that of who complains.
    fn strip(&self, value: &mut Value, in_complaint: bool) -> bool {
        match value {
            Value::Object(fields) => {
                let before = fields.len();
                fields.retain(|name, _| !self.is_said(&header_name(name), in_complaint));
                let mut changed = fields.len() < before;
                for (name, value) in fields.iter_mut() {
                    // A ticket's number may have the digits of a telephone.
                    if name != "ticket" && name != "number" {
                        changed |= self.strip(value, true);
                    }
                }
                changed
            }
            // Each is gone through, also behind one that changed.
            Value::Array(values) => {
                values.iter_mut().filter_map(|value| self.strip(value, true).then_some(())).count() > 0
            }
            Value::String(text) => match masked(text) {
                Cow::Owned(masked) => {
                    *text = masked;
                    true
                }
                Cow::Borrowed(_) => false,
            },
            Value::Number(number) => {
                let is_personal = matches!(masked(&number.to_string()), Cow::Owned(_));
                if is_personal {
                    *value = Value::from(MASK);
                }
                is_personal
            }
            Value::Null | Value::Bool(_) => false,
        }
    }

    fn speaks_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.part.iter().chain(&self.whole).any(|word| text.contains(word.as_str()))
    }
}

/// Says whether a line of JSON is a command whose address is a shop's: it is about no complaint, or says where the shop of one is.
fn is_of_shop(line: &Value) -> bool {
    let command = line.get("command").and_then(Value::as_str);
    command.is_some_and(|command| command == "record_unattributed" || !command.contains("complaint"))
}

impl From<PersonalFile> for Personal {
    fn from(file: PersonalFile) -> Self {
        let names = |words: Vec<String>| words.iter().map(|word| header_name(word)).collect();
        Self {
            whole: names(file.whole),
            of_shops: names(file.of_shops),
            part: names(file.part),
            unless: names(file.unless),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::intake::profile::Profiles;
    use crate::intake::sheet::SheetKind;

    #[test]
    fn columns_about_persons_are_told_from_those_about_merchants() {
        let personal = &Profiles::built_in().personal;
        for header in [
            "投诉人姓名",
            "来电人",
            "联系电话",
            "＊手机号 ",
            "身份证号",
            "姓名",
            "家庭住址",
            "Phone",
            "complainant_name",
            "诉求人联系方式",
        ] {
            for kind in SheetKind::ALL {
                assert!(personal.is(kind, header), "{header}");
            }
        }
        for header in [
            "企业名称",
            "企业地址",
            "被投诉人",
            "企业联系电话",
            "法定代表人",
            "法定代表人证件摘要",
            "事发地",
            "诉求内容",
            "备注",
            "商户名称",
        ] {
            for kind in SheetKind::ALL {
                assert!(!personal.is(kind, header), "{header}");
            }
        }
    }

    /// A shop's address is no personal data; the address of who complains is.
    #[test]
    fn an_address_is_a_persons_where_somebody_complains_and_a_shops_elsewhere() {
        let personal = &Profiles::built_in().personal;
        for kind in SheetKind::ALL {
            for header in ["地址", "＊地址（详细）", "Address"] {
                assert_eq!(personal.is(kind, header), kind == SheetKind::Complaints, "{header} in {}", kind.name());
            }
            assert!(personal.is(kind, "家庭地址") && personal.is(kind, "投诉人地址") && personal.is(kind, "住址"));
        }
    }

    #[test]
    fn a_line_of_json_is_kept_without_persons() {
        let personal = &Profiles::built_in().personal;
        for (line, kept) in [
            (r#"{"ticket":"13800138000","mall":"某商场"}"#, r#"{"ticket":"13800138000","mall":"某商场"}"#),
            (r#"{"ticket":"1","phone":"x","投诉人":{"a":"王某"}}"#, r#"{"ticket":"1"}"#),
            (r#"{"reason":"致电13800138000"}"#, r#"{"reason":"致电*****"}"#),
            (r#"{"reason":13800138000}"#, r#"{"reason":"*****"}"#),
            (r#"{"ticket":"1","投诉人":"王某""#, ""),
            ("not json 13800138000", "not json *****"),
            (
                r#"{"command":"record_unattributed","address":"某路1号","来电人":{"address":"某村2号"},"more":{"address":"x"}}"#,
                r#"{"address":"某路1号","command":"record_unattributed","more":{}}"#,
            ),
            (
                r#"{"command":"register_merchant","address":"某路1号"}"#,
                r#"{"command":"register_merchant","address":"某路1号"}"#,
            ),
            (r#"{"command":"record_complaint","address":"某村2号"}"#, r#"{"command":"record_complaint"}"#),
            (r#"{"address":"某村2号","ticket":"1"}"#, r#"{"ticket":"1"}"#),
        ] {
            assert_eq!(personal.without(line), kept);
        }
    }
}
