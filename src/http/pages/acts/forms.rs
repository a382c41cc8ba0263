//! The forms as data: each says which command it makes, which of its fields are filled in, and who is offered it. To add an act to
//! the pages, add a line here and its texts in `assets/i18n`, sections `acts` and `field`.

use crate::domain::words::{
    AccountAction, Channel, ExitAction, FilingAction, JointCheckStep, LeadStep, Role, StatementKind, TicketStep,
};

/// A form: one act as people speak of it.
#[derive(Debug)]
pub(super) struct ActForm {
    /// Name in addresses, and of its texts: `act_<id>`, `help_<id>`.
    pub id: &'static str,
    /// The group it stands in, of [`GROUPS`].
    pub group: &'static str,
    /// The command it makes.
    pub command: &'static str,
    /// Fields of the command that the form itself says.
    pub says: &'static [(&'static str, &'static str)],
    /// Fields that are filled in.
    pub fields: &'static [Field],
    /// Who is offered it; whose the merchant is, is another question.
    pub roles: &'static [Role],
}

/// A field of a form, named as the command names it.
#[derive(Debug)]
pub(super) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub needed: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A day; today is filled in beforehand where it is needed.
    Day,
    /// A day that may lie ahead; nothing is filled in beforehand.
    DayAhead,
    /// A day and a time on the local clock.
    Time,
    /// One line.
    Text,
    /// Several lines.
    Prose,
    /// Yuan.
    Money,
    /// Yes or no.
    Flag,
    /// One of these words; their texts are in the section `word` under this prefix and the word.
    Choice(&'static str, &'static [&'static str]),
    /// Several sectors.
    Sectors,
    /// Number of a ticket of the merchant.
    Ticket,
}

/// The groups, in the order shown.
pub(super) const GROUPS: [&str; 7] = ["checks", "orders", "tickets", "transfers", "lists", "registry", "statements"];

const OFFICES: &[Role] = &[Role::Regulator, Role::Lead, Role::Admin];
const WITH_MALLS: &[Role] = &[Role::Operator, Role::Regulator, Role::Lead, Role::Admin];
const WITH_BANKS: &[Role] = &[Role::Bank, Role::Regulator, Role::Lead, Role::Admin];

const WITH_MERCHANTS: &[Role] = &[Role::Merchant, Role::Regulator, Role::Lead, Role::Admin];

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, needed: false }
}

impl Field {
    const fn needed(mut self) -> Self {
        self.needed = true;
        self
    }
}

const DATE: Field = field("date", Kind::Day).needed();
const AT: Field = field("at", Kind::Time).needed();
const NUMBER: Field = field("number", Kind::Text);
const TICKET: Field = field("ticket", Kind::Ticket).needed();
const CHANNELS: Kind = Kind::Choice("", &[Channel::Hotline.name(), Channel::Platform.name(), Channel::Mall.name()]);
const CHANNEL: Field = field("channel", CHANNELS).needed();
const ENTERED: Field = field("entered_on", Kind::Day).needed();
const LEAD: &[Field] =
    &[field("lead", Kind::Text).needed(), field("authority", Kind::Text).needed(), DATE, field("note", Kind::Prose)];
const TRANSFER: &[Field] = &[
    field("lead", Kind::Text).needed(),
    field("authority", Kind::Text).needed(),
    DATE,
    field("reported_on", Kind::DayAhead),
    field("approved_at", Kind::Time),
    field("handed_over_at", Kind::Time),
    field("note", Kind::Prose),
];
const PLANNED_CHECK: &[Field] = &[
    field("check", Kind::Text).needed(),
    field("date", Kind::DayAhead).needed(),
    field("sectors", Kind::Sectors).needed(),
];
const DONE_CHECK: &[Field] = &[
    field("check", Kind::Text).needed(),
    DATE,
    field("sectors", Kind::Sectors).needed(),
    field("result", Kind::Prose).needed(),
];
const REFUND: &[Field] = &[TICKET, CHANNEL, AT, field("amount", Kind::Money).needed()];
const PERSON: Field = field("person", Kind::Text).needed();
const DIGEST: Field = field("person_digest", Kind::Text).needed();
const LOCKED: Field = field("locked_on", Kind::Day).needed();

const fn of_enforcement(
    id: &'static str,
    group: &'static str,
    says: &'static [(&'static str, &'static str)],
    fields: &'static [Field],
) -> ActForm {
    ActForm { id, group, command: "record_enforcement", says, fields, roles: OFFICES }
}

const fn of_ticket(
    id: &'static str,
    says: &'static [(&'static str, &'static str)],
    fields: &'static [Field],
) -> ActForm {
    ActForm { id, group: "tickets", command: "handle_complaint", says, fields, roles: WITH_MALLS }
}

const fn of_office(
    id: &'static str,
    group: &'static str,
    command: &'static str,
    says: &'static [(&'static str, &'static str)],
    fields: &'static [Field],
) -> ActForm {
    ActForm { id, group, command, says, fields, roles: OFFICES }
}

/// Every form, in the order shown within its group.
pub(super) const FORMS: &[ActForm] = &[
    of_enforcement(
        "on_site_check",
        "checks",
        &[("kind", "on_site_check")],
        &[DATE, field("result", Kind::Prose).needed(), NUMBER],
    ),
    of_enforcement("talk", "checks", &[("kind", "talk")], &[DATE, NUMBER]),
    of_office(
        "check_proposed",
        "checks",
        "record_joint_check",
        &[("step", JointCheckStep::Proposed.name())],
        PLANNED_CHECK,
    ),
    of_office(
        "check_confirmed",
        "checks",
        "record_joint_check",
        &[("step", JointCheckStep::Confirmed.name())],
        PLANNED_CHECK,
    ),
    of_office("check_done", "checks", "record_joint_check", &[("step", JointCheckStep::Done.name())], DONE_CHECK),
    of_enforcement("warning_letter", "orders", &[("kind", "warning_letter")], &[DATE, NUMBER]),
    of_enforcement("yellow_card", "orders", &[("kind", "yellow_card")], &[DATE, NUMBER]),
    of_enforcement("yellow_card_removed", "orders", &[("kind", "yellow_card_removed")], &[DATE, NUMBER]),
    of_enforcement(
        "rectification_ordered",
        "orders",
        &[("kind", "rectification_ordered")],
        &[DATE, field("due_on", Kind::DayAhead).needed(), NUMBER],
    ),
    of_enforcement("rectification_met", "orders", &[("kind", "rectification_met")], &[DATE, NUMBER]),
    of_enforcement("rectification_missed", "orders", &[("kind", "rectification_missed")], &[DATE, NUMBER]),
    of_enforcement("penalty", "orders", &[("kind", "penalty")], &[DATE, NUMBER]),
    of_ticket(
        "passed_to_enterprise",
        &[("step", TicketStep::Direct.name())],
        &[TICKET, CHANNEL, AT, field("due_at", Kind::Time)],
    ),
    of_ticket("settled_in_shop", &[("step", TicketStep::Settled.name())], &[TICKET, CHANNEL, AT]),
    of_ticket("refund_promised", &[("step", TicketStep::Promised.name())], REFUND),
    of_ticket("refund_paid", &[("step", TicketStep::Paid.name())], REFUND),
    of_ticket(
        "rated",
        &[("step", TicketStep::Rated.name())],
        &[TICKET, CHANNEL, AT, field("resolved", Kind::Flag).needed(), field("satisfied", Kind::Flag).needed()],
    ),
    of_office(
        "case_opened",
        "transfers",
        "record_case",
        &[],
        &[field("number", Kind::Text).needed(), DATE, field("ticket", Kind::Ticket), field("channel", CHANNELS)],
    ),
    of_office("lead_transferred", "transfers", "record_lead", &[("step", LeadStep::Transferred.name())], TRANSFER),
    of_office("lead_accepted", "transfers", "record_lead", &[("step", LeadStep::Accepted.name())], LEAD),
    of_office("lead_returned", "transfers", "record_lead", &[("step", LeadStep::Returned.name())], LEAD),
    of_office(
        "grey_listed",
        "lists",
        "record_grey_listing",
        &[],
        &[ENTERED, field("ground", Kind::Prose), field("review_on", Kind::DayAhead)],
    ),
    of_office(
        "grey_delisted",
        "lists",
        "record_grey_listing",
        &[],
        &[field("entered_on", Kind::DayAhead).needed(), field("removed_on", Kind::Day).needed()],
    ),
    of_office(
        "person_locked",
        "lists",
        "record_lock",
        &[],
        &[PERSON, DIGEST, LOCKED, field("role", Kind::Text), NUMBER],
    ),
    of_office(
        "person_unlocked",
        "lists",
        "record_lock",
        &[],
        &[PERSON, DIGEST, field("locked_on", Kind::DayAhead).needed(), field("lifted_on", Kind::Day).needed()],
    ),
    ActForm {
        id: "tenancy",
        group: "registry",
        command: "record_tenancy",
        says: &[],
        fields: &[
            field("mall", Kind::Text),
            field("unit", Kind::Text),
            field("from", Kind::DayAhead),
            field("until", Kind::DayAhead),
            field("checked_on", Kind::DayAhead),
            field("in_order", Kind::Flag),
            field("brand", Kind::Text),
        ],
        roles: WITH_MALLS,
    },
    ActForm {
        id: "reopened",
        group: "registry",
        command: "record_exit",
        says: &[("action", ExitAction::Reopen.name())],
        fields: &[field("mall", Kind::Text), field("unit", Kind::Text), DATE, field("reason", Kind::Prose)],
        roles: WITH_MALLS,
    },
    of_office(
        "filing",
        "registry",
        "record_filing",
        &[],
        &[
            field(
                "status",
                Kind::Choice(
                    "filing_",
                    &[
                        FilingAction::Submitted.name(),
                        FilingAction::Volunteered.name(),
                        FilingAction::Accepted.name(),
                        FilingAction::Amended.name(),
                        FilingAction::Returned.name(),
                        FilingAction::Cancelled.name(),
                    ],
                ),
            )
            .needed(),
            DATE,
            field("bank", Kind::Text),
            field("account_tail", Kind::Text),
        ],
    ),
    ActForm {
        id: "custody",
        group: "registry",
        command: "report_custody",
        says: &[],
        fields: &[DATE, field("held", Kind::Money).needed(), field("abnormal", Kind::Flag)],
        roles: WITH_BANKS,
    },
    ActForm {
        id: "account",
        group: "registry",
        command: "record_account",
        says: &[],
        fields: &[
            field("action", Kind::Choice("action_", &[AccountAction::Open.name(), AccountAction::Close.name()]))
                .needed(),
            DATE,
            field("bank", Kind::Text).needed(),
            field("account_tail", Kind::Text),
        ],
        roles: WITH_BANKS,
    },
    ActForm {
        id: "balance",
        group: "statements",
        command: "report_balance",
        says: &[],
        fields: &[DATE, field("outstanding", Kind::Money).needed(), field("revenue_last_year", Kind::Money)],
        roles: WITH_MERCHANTS,
    },
    // Offices have a form for every step of a filing.
    ActForm {
        id: "filing_submitted",
        group: "statements",
        command: "record_filing",
        says: &[],
        fields: &[
            field(
                "status",
                Kind::Choice("filing_", &[FilingAction::Submitted.name(), FilingAction::Volunteered.name()]),
            )
            .needed(),
            DATE,
            field("bank", Kind::Text),
            field("account_tail", Kind::Text),
        ],
        roles: &[Role::Merchant],
    },
    ActForm {
        id: "reply",
        group: "statements",
        command: "make_statement",
        says: &[("kind", StatementKind::Reply.name())],
        fields: &[field("text", Kind::Prose).needed()],
        roles: WITH_MERCHANTS,
    },
    ActForm {
        id: "objection",
        group: "statements",
        command: "make_statement",
        says: &[("kind", StatementKind::Objection.name())],
        fields: &[field("text", Kind::Prose).needed()],
        roles: WITH_MERCHANTS,
    },
];

/// Says whether there is a form of this name.
pub(super) fn exists(id: &str) -> bool {
    FORMS.iter().any(|form| form.id == id)
}

/// Returns the forms that a role is offered.
pub(super) fn offered(role: Role) -> impl Iterator<Item = &'static ActForm> {
    FORMS.iter().filter(move |form| form.roles.contains(&role))
}
