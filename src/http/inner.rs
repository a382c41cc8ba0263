//! What errors of the rooms below are to whoever asked: a kind of problem, and words in both languages. Their own words are
//! English, for who runs the service.

use super::access::KeyringError;
use super::access::accounts::AccountsError;
use super::problem::{Code, Problem};
use crate::desk::DeskError;
use crate::log::contract::LogError;
use crate::mail::worker::SendAgainError;

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        match &error {
            LogError::Conflict { .. } => Self::new(Code::Conflict, "同一内容刚被写入了新的记录", error),
            LogError::KeyReused { key } => Self::new(Code::IdempotencyKeyReused, reused(key), error),
            LogError::Duplicate { id } => {
                Self::new(Code::IdempotencyKeyReused, format!("编号 `{id}` 的事件已在日志中，内容不同"), error)
            }
            LogError::Full => Self::new(Code::DiskFull, "磁盘已满，没有任何记录被写入", error),
            LogError::Corrupt { position, .. } => {
                Self::new(Code::LogDamaged, format!("日志在位置 {position} 处已损坏，请恢复备份"), error)
            }
            LogError::InDoubt(_) => Self::new(Code::InDoubt, IN_DOUBT, error),
            LogError::Unavailable(_) | LogError::Locked { .. } => Self::inside(Code::Unavailable, error),
            _ => Self::inside(Code::Internal, error),
        }
    }
}

const IN_DOUBT: &str = "未能确认是否已写入事件日志，可能已记录、也可能未记录";

fn reused(key: &str) -> String {
    format!("幂等键 `{key}` 先前用于其他内容；新的请求请换用新的键")
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::KeyReused(ref key) => Self::new(Code::IdempotencyKeyReused, reused(key), error),
            DeskError::Log(error) => error.into(),
            DeskError::Stopped => Self::new(Code::Unavailable, "服务正在停止，请稍后再试", error),
            DeskError::Lost => Self::new(Code::InDoubt, IN_DOUBT, error),
        }
    }
}

impl From<KeyringError> for Problem {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Log(error) => error.into(),
            KeyringError::Invalid { zh, en } => Self::new(Code::Refused, zh, en),
            KeyringError::LastAdmin => {
                Self::new(Code::Refused, "这是最后一个有效的管理员密钥；请先建立另一个管理员密钥，再吊销它", error)
            }
            KeyringError::NotFound(id) => Self::new(Code::NotFound, format!("没有编号为 `{id}` 的密钥"), error),
            KeyringError::NotYetSeen => Self::new(Code::Unavailable, "已记录，稍后在本节点生效；请稍后再看", error),
            KeyringError::Account(error) => error.into(),
            KeyringError::NoRandomness(_) => Self::inside(Code::Unavailable, error),
            KeyringError::Unreadable { .. } => Self::inside(Code::Internal, error),
        }
    }
}

impl From<AccountsError> for Problem {
    fn from(error: AccountsError) -> Self {
        let zh = match &error {
            AccountsError::NameTaken => "已有同名账号，请换一个名称",
            AccountsError::NoInvitation => {
                return Self::new(Code::NotFound, "链接已使用、已过期或不完整；请向管理员索取新链接", error);
            }
            AccountsError::NotFound => return Self::new(Code::NotFound, "没有这个账号", error),
            AccountsError::WrongPassword => "当前密码不正确",
            AccountsError::WrongCode => "验证码不正确或已使用；请等下一个验证码",
            AccountsError::Unfit { zh, .. } => zh,
            AccountsError::File { .. } | AccountsError::Hash(_) | AccountsError::NoRandomness(_) => {
                return Self::inside(Code::Unavailable, error);
            }
        };
        Self::new(Code::Refused, zh, error)
    }
}

impl From<SendAgainError> for Problem {
    fn from(error: SendAgainError) -> Self {
        match error {
            SendAgainError::Unknown => Self::new(Code::NotFound, "没有发给该地址而被拒收或放弃的这封通知", error),
            SendAgainError::NotDone(_) => Self::new(Code::Conflict, "只有被拒收或已放弃的通知可以重发", error),
            SendAgainError::Log(error) => error.into(),
        }
    }
}
