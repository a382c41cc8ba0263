//! Placeholder replaced at merge.
/// A problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Field.
    pub field: &'static str,
    /// Code.
    pub code: &'static str,
    /// Value.
    pub value: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}
/// Check.
#[must_use]
pub fn check(_: &super::command::Command, _: super::time::Instant) -> Vec<Problem> {
    Vec::new()
}
