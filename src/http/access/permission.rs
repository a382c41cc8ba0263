//! What can be done over HTTP, and which roles may.

use crate::domain::words::Role;

/// Something that a handler needs the right to. A handler names it in its signature and cannot run without it.
pub trait Permission: 'static {
    /// Name, as shown in the API description.
    const NAME: &'static str;
    /// Roles that have it.
    const ROLES: &'static [Role];
    /// What is read with it comes from the outbox, too, which follows the log by itself.
    const FROM_OUTBOX: bool;

    /// Says whether a role has it.
    #[must_use]
    fn is_of(role: Role) -> bool {
        Self::ROLES.contains(&role)
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident $text:literal $(from $outbox:ident)?: $($role:ident)+;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}

        impl Permission for $name {
            const NAME: &'static str = $text;
            const ROLES: &'static [Role] = &[$(Role::$role),+];
            const FROM_OUTBOX: bool = permissions!(@from $($outbox)?);
        }
    )+};
    (@from outbox) => { true };
    (@from) => { false };
}

permissions! {
    /// Read merchants, lights and reasons in one's scope.
    ReadLights "read_lights": Operator Regulator Bank Lead Admin Merchant;
    /// Record what happened; which commands, and about whom, the scope says.
    Record "record": Operator Regulator Bank Lead Admin Merchant;
    /// Hand in files; which of their rows count, and about whom, the scope says.
    Import "import": Operator Regulator Bank Lead Admin;
    /// Read exit notices in one's scope.
    ReadExits "read_exits": Operator Regulator Lead Admin;
    /// Post, amend and withdraw exit notices.
    PostExits "post_exits": Operator Lead Admin;
    /// Read complaints in one's scope.
    ReadComplaints "read_complaints": Operator Regulator Lead Admin;
    /// Record and answer complaints.
    HandleComplaints "handle_complaints": Operator Regulator Lead Admin;
    /// Read tickets whose merchant is not known.
    ReadUnattributed "read_unattributed": Lead Admin;
    /// Decide whose they are, or that they are nobody's here.
    DecideTickets "decide_unattributed": Lead Admin;
    /// Read cases: lights that are followed up.
    ReadCases "read_cases": Regulator Lead Admin;
    /// Do something with a case.
    HandleCases "handle_cases": Regulator Lead Admin;
    /// Read letters that offices issued about merchants in one's scope.
    ReadLetters "read_letters": Regulator Lead Admin;
    /// Draw up and issue letters.
    IssueLetters "issue_letters": Regulator Lead Admin;
    /// Read figures of one's scope: rates, duties, the monthly table.
    ReadFigures "read_figures": Regulator Lead Admin;
    /// Read the accounts that one's bank keeps, and by when their reports are due.
    ReadAccounts "read_accounts": Bank;
    /// Read who delivers and who has fallen silent.
    ReadSources "read_sources": Operator Regulator Bank Lead Admin;
    /// Read the outbox: who was told what, and what became of it.
    ReadMails "read_mails" from outbox: Regulator Lead Admin;
    /// Send a mail again that was refused or given up.
    SendMails "send_mails" from outbox: Regulator Lead Admin;
    /// Read the event log itself.
    ReadLog "read_log": Lead Admin;
    /// Read the figures of the service from another machine.
    ReadMetrics "read_metrics": Admin;
    /// See and change who has an account or a key, what is in force and what was done.
    Administer "administer": Admin;
    /// Make, list and revoke keys.
    ManageKeys "manage_keys": Admin;
}
