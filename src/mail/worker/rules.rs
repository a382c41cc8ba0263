//! Whose rule (规则) it is that a mail server tells to a recipient: that recipient's, or its own against all our mail.
//!
//! One mailbox may refuse whoever it does not know for years, and that is no trouble of the server. The same words told to
//! everybody are. What tells them apart is whether other recipients hear them too, and no mail is taken meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;

/// So many recipients that heard of a rule, one after the other, make it the server's.
const MANY: usize = 3;

/// Who heard of a rule since a mail was taken. Kept in memory only: after a start the first mails find out.
#[derive(Debug, Default)]
pub(super) struct Rules {
    heard: BTreeSet<Arc<str>>,
}

impl Rules {
    /// Takes down that a recipient heard of a rule, and says whether it is the server's.
    pub(super) fn told(&mut self, address: &Arc<str>) -> bool {
        if !self.are_the_servers() {
            self.heard.insert(address.clone());
        }
        self.are_the_servers()
    }

    /// Takes down that a mail was taken, whoever it was for.
    pub(super) fn taken(&mut self) {
        self.heard.clear();
    }

    /// Says whether rules told at present are the server's.
    pub(super) fn are_the_servers(&self) -> bool {
        self.heard.len() >= MANY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_the_servers_when_three_recipients_heard_of_it_and_no_mail_was_taken() {
        let mut rules = Rules::default();
        let mut told = |address: &str| rules.told(&address.into());
        assert_eq!([told("a"), told("a"), told("a"), told("b"), told("a")], [false; 5], "two are not many");
        assert!(told("c") && told("a"));
        rules.taken();
        assert!(!rules.told(&"c".into()));
    }
}
