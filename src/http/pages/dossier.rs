//! A merchant's file as the page draws it.

use super::board::{division_name, sector_name};
use super::filters::minute;
use super::sentence::{Teller, kind};
use super::sources::name_of;
use super::tickets::TicketGiven;
use crate::domain::envelope::CloudEvent;
use crate::domain::envelope::Position;
use crate::domain::event::FactSeen;
use crate::domain::evidence::{Complaint, Handling};
use crate::domain::ticket;
use crate::domain::time::{Day, Instant, day_of, deadline, due_day, start_of};
use crate::domain::words::{DocumentKind, Light};
use crate::http::api::cases::DutyGiven;
use crate::http::api::leads::{LeadClockState, LeadState};
use crate::http::api::merchants::{AliasState, MerchantFile, ReasonGiven, ShopState};
use crate::http::api::records::{GreyState, LockState, StatementState, TenancyState};
use crate::http::api::sources::SilentSource;
use crate::http::site::rule;
use crate::picture::outbox::{DeliveryState, Summary};
use crate::policy::rule::Duty;
use crate::policy::transfer::LeadClock;
use crate::policy::{clause, figure};
use minijinja::{Value, context};
use rust_decimal::Decimal;
use std::collections::HashSet;
use uuid::Uuid;

/// A complaint with the clock that runs for it.
pub(super) type Clocked = (Complaint, Option<TicketGiven>);

/// What is known about a merchant, as far as the reader may see it.
pub(super) struct Dossier {
    /// Its file.
    pub(super) file: MerchantFile,
    /// Why its light is what it is.
    pub(super) reasons: Vec<ReasonGiven>,
    /// How many complaints there are, and the newest with the clocks that run; `None` if the reader has no right to them.
    pub(super) complaints: Option<(usize, Vec<Clocked>)>,
    /// The newest mails; `None` if the reader has no right to them.
    pub(super) mails: Option<Vec<Summary>>,
    /// Letters issued about it, newest first: id, kind, number, day; empty if the reader has no right to them.
    pub(super) letters: Vec<(Uuid, DocumentKind, String, Day)>,
    /// The newest events, newest first.
    pub(super) events: Vec<CloudEvent>,
    /// Positions of those that count no longer, because their import was withdrawn.
    pub(super) withdrawn: HashSet<Position>,
    /// The duties of the open case about it, if the reader may see that.
    pub(super) duties: Vec<DutyGiven>,
}

/// The clock that a timeline goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// When it happened.
    Happened,
    /// When it was recorded, that is known here.
    Recorded,
}

impl Clock {
    /// Returns the name used in addresses and texts.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Happened => "happened",
            Self::Recorded => "recorded",
        }
    }

    const fn reading(self, event: &CloudEvent) -> Option<Instant> {
        match self {
            Self::Happened => event.time,
            Self::Recorded => event.recordedat,
        }
    }
}

/// The steps of a timeline.
pub(super) struct Timeline {
    /// Newest first.
    pub(super) steps: Vec<Value>,
    /// There are more than are shown.
    pub(super) more: bool,
    ids: HashSet<String>,
}

/// Draws a dossier.
pub(super) struct Drawing<'a> {
    pub(super) teller: Teller<'a>,
    pub(super) dossier: &'a Dossier,
    pub(super) now: Instant,
    /// It is shown as of an instant that has passed: nothing is asked for any more.
    pub(super) is_past: bool,
}

impl Drawing<'_> {
    fn text(&self, section: &str, key: &str) -> &str {
        self.teller.pages.text(self.teller.language, section, key)
    }

    fn filled(&self, section: &str, key: &str, places: &[(&str, &str)]) -> String {
        self.teller.pages.filled(self.teller.language, section, key, places)
    }

    fn yuan(&self, amount: Decimal) -> String {
        self.teller.pick(&figure::yuan(amount)).to_owned()
    }

    /// Returns what the merchant says against its present light.
    pub(super) fn disputed(&self) -> Option<Value> {
        let said = self.dossier.file.row.disputed.then(|| self.statements().find(|said| said.against.is_some()))??;
        Some(context! { at => minute(said.at), text => &*said.text })
    }

    /// Returns what the merchant said for itself, newest first.
    pub(super) fn said(&self) -> Vec<Value> {
        let one = |said: &StatementState| {
            context! { objection => said.against.is_some(), at => minute(said.at), text => &*said.text }
        };
        self.statements().map(one).collect()
    }

    fn statements(&self) -> impl Iterator<Item = &StatementState> {
        self.dossier.file.records.iter().flat_map(|records| &records.statements)
    }

    /// Returns the letters.
    pub(super) fn letters(&self) -> Vec<Value> {
        let letter = |(id, kind, number, date): &(Uuid, DocumentKind, String, Day)| {
            let path = format!("/merchants/{}/letters/{id}", self.dossier.file.row.credit_code);
            context! { path, kind => self.text("letters", kind.name()), number, date => date.to_string() }
        };
        self.dossier.letters.iter().map(letter).collect()
    }

    /// Returns the letters that can be drawn up.
    pub(super) fn kinds_of_letters(&self) -> Vec<Value> {
        let kind = |kind: &DocumentKind| {
            let path = format!("/merchants/{}/drafts/{kind}", self.dossier.file.row.credit_code);
            context! { path, text => self.text("letters", kind.name()) }
        };
        DocumentKind::ALL.iter().map(kind).collect()
    }

    /// Returns what the register and the figures say.
    pub(super) fn details(&self) -> Vec<Value> {
        let Teller { pages, policies, language } = self.teller;
        let file = &self.dossier.file;
        let row = &file.row;
        let undetermined = || self.text("board", "undetermined").to_owned();
        let sector = row.sector.as_deref().map_or_else(undetermined, |id| sector_name(policies, id, language));
        let money = |amount: &Option<String>| amount.as_deref()?.parse().ok().map(|amount| self.yuan(amount));
        [
            ("sector", Some(sector)),
            ("division", row.division.as_deref().map(|code| division_name(pages, code, language))),
            ("street", row.street.clone()),
            ("industry", file.industry_code.clone()),
            ("brand", file.brand.clone()),
            ("representative", file.legal_representative.clone()),
            ("filing", Some(self.text("filing", file.filing.name()).to_owned())),
            ("outstanding", money(&row.outstanding)),
            ("required", money(&row.required)),
            ("held", money(&row.held)),
            ("shortfall", money(&row.shortfall)),
        ]
        .into_iter()
        .map(|(key, value)| context! { key, value })
        .collect()
    }

    /// Returns the other names that people call it by.
    pub(super) fn aliases(&self) -> Vec<Value> {
        let one = |alias: &AliasState| {
            let place = alias.mall.as_deref().or(alias.street.as_deref());
            let there = |place| self.filled("merchant", "called_there", &[("alias", &alias.alias), ("place", place)]);
            let text = place.map_or_else(|| alias.alias.clone(), there);
            context! { alias => alias.alias.clone(), mall => alias.mall.clone(), street => alias.street.clone(), text }
        };
        self.dossier.file.aliases.iter().map(one).collect()
    }

    /// Returns the reasons; evidence leads to its step of the timeline, where that is shown.
    pub(super) fn reasons(&self, timeline: &Timeline) -> Vec<Value> {
        self.dossier.reasons.iter().map(|reason| self.reason(reason, timeline)).collect()
    }

    fn reason(&self, reason: &ReasonGiven, timeline: &Timeline) -> Value {
        let language = self.teller.language;
        let known = rule(self.teller.policies, &reason.rule);
        let title = self.teller.title(&reason.rule);
        let since = reason.since;
        let arose = since.unwrap_or(self.now);
        // Where a case is open, it knows by when: its clock began when the duty arose, which may be after the rule fired.
        let followed = self.dossier.duties.iter().rfind(|duty| duty.rule == reason.rule);
        let own = || Some((&known?.duty, known?.duty.due(arose, &self.teller.policies.calendar)?));
        let clock = if followed.is_some() || self.is_past { None } else { own() };
        let (due, late) = match followed {
            Some(duty) => (
                Some(self.followed(duty, known.and_then(|rule| rule.duty.hours))),
                matches!(duty.state, "late" | "escalated"),
            ),
            None => {
                (clock.map(|(duty, due)| self.due(duty, arose, due)), clock.is_some_and(|(_, due)| due <= self.now))
            }
        };
        let evidence = |id: &Uuid| {
            let id = id.to_string();
            let event = self.dossier.events.iter().find(|event| event.id == id);
            let text = event
                .map_or_else(|| self.text("merchant", "elsewhere").to_owned(), |event| self.teller.sentence(event));
            context! { link => timeline.ids.contains(&id).then(|| format!("#e-{id}")), text, id }
        };
        context! {
            light => reason.light.name(), title, rule => reason.rule.clone(), version => reason.version,
            clause => self.teller.pick(&clause::read(&reason.clause)),
            since => since.map(minute),
            uncounted => reason.year_without_calendar.map(|year| {
                self.filled("merchant", "without_calendar", &[("year", &year.to_string())])
            }),
            silent => self.silent(&reason.silent_sources),
            what => reason.duty.as_ref().map(|duty| language.pick(&duty.zh, &duty.en).to_owned()),
            due, late,
            facts => reason.facts.iter().map(|seen| self.fact(seen)).collect::<Vec<_>>(),
            events => reason.events.iter().map(evidence).collect::<Vec<_>>(),
        }
    }

    /// Returns what is to be known about silent sources.
    pub(super) fn silent(&self, silent: &[SilentSource]) -> Vec<String> {
        let sentence = |source: &SilentSource| {
            let language = self.teller.language;
            let places = [
                ("kind", self.text("source_kind", source.kind.name())),
                ("name", name_of(language, source.kind, &source.name)),
                ("last", &source.last_delivery),
                ("from", &source.silent_from),
            ];
            self.filled("merchant", "silent", &places)
        };
        silent.iter().map(sentence).collect()
    }

    /// Returns how a duty stands that a case follows: its state, and by when it is to be done.
    fn followed(&self, duty: &DutyGiven, hours: Option<u32>) -> String {
        let state = self.text("duty", duty.state);
        match duty.due_at.filter(|_| duty.ended_at.is_none()) {
            Some(due) => {
                let (key, time) =
                    if hours == Some(0) { ("at_once", minute(duty.arose_at)) } else { ("due", deadline(due)) };
                format!("{} · {state}", self.filled("merchant", key, &[("time", &time)]))
            }
            None => state.to_owned(),
        }
    }

    /// Returns when a duty is due that arose at an instant.
    fn due(&self, duty: &Duty, arose: Instant, due: Instant) -> String {
        let (key, time) = match duty.hours {
            Some(0) => ("at_once", minute(arose)),
            Some(_) => ("due", minute(due)),
            // The last day counts whole.
            None => ("due", due_day(due).to_string()),
        };
        self.filled("merchant", key, &[("time", &time)])
    }

    fn fact(&self, seen: &FactSeen) -> Value {
        let (name, value, threshold) = self.teller.fact(seen);
        let value = value.unwrap_or_else(|| self.text("merchant", "missing").to_owned());
        context! {
            fact => seen.fact.clone(), name, value, threshold,
            shop => seen.shop.as_ref().map(|shop| format!("{} {}", shop.mall, shop.unit)),
        }
    }

    /// Returns the shops.
    pub(super) fn shops(&self) -> Vec<Value> {
        self.dossier.file.shops.iter().map(|shop| self.shop(shop)).collect()
    }

    fn shop(&self, shop: &ShopState) -> Value {
        let day = shop.planned_on.as_deref().or(shop.closed_on.as_deref()).unwrap_or_default();
        let key = match (shop.state, shop.was_announced) {
            ("announced", _) => "announced",
            ("closed", Some(true)) => "closed_announced",
            ("closed", _) => "closed_unannounced",
            _ => "open",
        };
        context! { mall => shop.mall.clone(), unit => shop.unit.clone(), state => self.filled("merchant", key, &[("day", day)]) }
    }

    /// Returns the leads, each with its clocks.
    pub(super) fn leads(&self) -> Vec<Value> {
        let row = |lead: &LeadState| {
            let answer = lead.answer.zip(lead.answered_on.as_deref());
            let state = answer.map_or_else(
                || self.text("merchant", "lead_open").to_owned(),
                |(step, day)| self.filled("merchant", &format!("lead_{step}"), &[("day", day)]),
            );
            let clock = |clock: &LeadClockState| {
                let time = match clock.clock {
                    LeadClock::HandOver => minute(clock.due_at),
                    // The last day counts whole.
                    LeadClock::Decide | LeadClock::Answer => due_day(clock.due_at).to_string(),
                };
                let text = self.filled("merchant", &format!("clock_{}", clock.clock.name()), &[("time", &time)]);
                let late = if clock.late { self.text("merchant", "late") } else { "" };
                context! { text => format!("{text}{late}"), late => clock.late, clause => clock.source.clone() }
            };
            context! {
                lead => lead.lead.clone(), authority => lead.authority.clone(), on => lead.transferred_on.clone(), state,
                clocks => lead.clocks.iter().map(clock).collect::<Vec<_>>(),
            }
        };
        self.dossier.file.leads.iter().map(row).collect()
    }

    /// Returns what is to be known about locked persons who represent the merchant, a line each.
    pub(super) fn locked(&self) -> Vec<String> {
        let locked = self.dossier.file.records.as_ref().map(|records| &*records.representative_locked);
        let line = |lock: &LockState| {
            let at = lock.at.as_deref().unwrap_or_else(|| self.text("merchant", "elsewhere_merchant"));
            let places = [("person", lock.person.as_str()), ("day", &lock.locked_on), ("at", at)];
            self.filled("merchant", "person_locked", &places)
        };
        locked.unwrap_or_default().iter().map(line).collect()
    }

    /// Returns what else is on record, a line each.
    pub(super) fn records(&self) -> Vec<String> {
        let Some(records) = &self.dossier.file.records else { return Vec::new() };
        let mut lines: Vec<String> = records.grey_list.iter().map(|entry| self.grey(entry)).collect();
        lines.extend(records.locks.iter().map(|lock| {
            let key = if lock.lifted_on.is_some() { "lock_over" } else { "lock" };
            let places = [
                ("person", lock.person.as_str()),
                ("day", &lock.locked_on),
                ("lifted", lock.lifted_on.as_deref().unwrap_or_default()),
            ];
            self.filled("merchant", key, &places)
        }));
        lines.extend(records.accounts.iter().map(|account| {
            let tail = account.account_tail.as_deref().unwrap_or_default();
            let places = [("bank", account.bank.as_str()), ("day", &account.date), ("tail", tail)];
            self.filled("merchant", &format!("account_{}", account.action), &places).trim().to_owned()
        }));
        lines.extend(records.tenancies.iter().flat_map(|tenancy| self.tenancy(tenancy)));
        lines
    }

    fn grey(&self, entry: &GreyState) -> String {
        let (key, end) = match (&entry.removed_on, &entry.review_on) {
            (Some(removed), _) => ("grey_over", removed.as_str()),
            (None, Some(review)) => ("grey_review", review.as_str()),
            (None, None) => ("grey", ""),
        };
        let ground = entry.ground.as_deref().unwrap_or_default();
        let places = [("day", entry.entered_on.as_str()), ("end", end)];
        let line = self.filled("merchant", key, &places);
        if ground.is_empty() { line } else { format!("{line}{}{ground}", self.text("site", "colon")) }
    }

    fn tenancy(&self, tenancy: &TenancyState) -> Vec<String> {
        let shop = format!("{} {}", tenancy.mall, tenancy.unit);
        let shop = match shop.trim() {
            "" => self.text("merchant", "street_shop"),
            shop => shop,
        };
        let lease =
            tenancy.from.as_deref().zip(tenancy.until.as_deref()).map(|(from, until)| {
                self.filled("merchant", "lease", &[("shop", shop), ("from", from), ("until", until)])
            });
        let papers = tenancy.checked_on.as_deref().zip(tenancy.in_order).map(|(day, in_order)| {
            let state = self.text("word", if in_order { "in_order_true" } else { "in_order_false" });
            self.filled("merchant", "papers", &[("shop", shop), ("day", day), ("state", state)])
        });
        let brands = (!tenancy.brands.is_empty()).then(|| {
            let brands = tenancy.brands.join(self.teller.language.pick("、", ", "));
            self.filled("merchant", "shop_brand", &[("shop", shop), ("brand", &brands)])
        });
        lease.into_iter().chain(papers).chain(brands).collect()
    }

    /// Returns the newest complaints.
    pub(super) fn complaints(&self) -> Option<Value> {
        let (count, newest) = self.dossier.complaints.as_ref()?;
        let row = |(complaint, clock): &Clocked| {
            let state = match (complaint.closed(Position::MAX), complaint.answered(Position::MAX)) {
                (Some((_, outcome)), _) => format!("outcome_{outcome}"),
                (None, Some(_)) => "answered".to_owned(),
                (None, None) => "waiting".to_owned(),
            };
            context! {
                ticket => &*complaint.ticket, number => ticket::number(complaint), of => complaint.channel.name(),
                reply => complaint.reply.as_ref().map(|reply| reply.text.to_string()), received => minute(complaint.received_at),
                channel => self.text("word", complaint.channel.name()), kind => self.text("word", complaint.kind(Position::MAX).name()),
                amount => complaint.amount.map(|amount| self.yuan(amount.decimal())), state => self.text("word", &state),
                clock => clock.as_ref().map(|clock| clock.shown(self.teller.pages, self.teller.language)),
                done => complaint.handled(Position::MAX).map(|item| self.handled(item)).collect::<Vec<_>>(),
            }
        };
        let rows: Vec<Value> = newest.iter().map(row).collect();
        Some(
            context! { rows, count => self.filled("merchant", "of", &[("shown", &newest.len().to_string()), ("count", &count.to_string())]) },
        )
    }

    fn handled(&self, item: &Handling) -> String {
        let what = self.text("word", &format!("step_{}", item.step));
        let amount = item.amount.map(|amount| self.yuan(amount.decimal()));
        let flag =
            |name: &str, flag: Option<bool>| flag.map(|flag| self.text("word", &format!("{name}_{flag}")).to_owned());
        let said = [amount, flag("resolved", item.resolved), flag("satisfied", item.satisfied)];
        let said: Vec<String> = said.into_iter().flatten().collect();
        format!("{} {what} {}", minute(item.at), said.join(self.teller.language.pick("，", ", "))).trim_end().to_owned()
    }

    /// Returns the newest mails.
    pub(super) fn mails(&self) -> Option<Value> {
        const FATES: [DeliveryState; 7] = [
            DeliveryState::Waiting,
            DeliveryState::Accepted,
            DeliveryState::Refused,
            DeliveryState::GivenUp,
            DeliveryState::Bounced,
            DeliveryState::Acknowledged,
            DeliveryState::Gathered,
        ];
        let row = |mail: &Summary| {
            let fates = FATES.iter().map(|state| (state, mail.tally.of(*state))).filter(|(_, count)| *count > 0);
            let fates: Vec<String> =
                fates.map(|(state, count)| format!("{} {count}", self.text("fate", state.name()))).collect();
            let (from, to) = mail.lights().unzip();
            context! {
                at => minute(mail.requested_at), from => from.map(Light::name), to => to.map(Light::name), calls => mail.is_call(),
                fates => fates.join(self.teller.language.pick("，", ", ")), nobody => mail.tally.nobody > 0,
            }
        };
        Some(Value::from(self.dossier.mails.as_ref()?.iter().map(row).collect::<Vec<_>>()))
    }

    /// Returns the timeline by a clock, its newest steps only.
    pub(super) fn timeline(&self, clock: Clock, most: usize) -> Timeline {
        let mut events: Vec<&CloudEvent> = self.dossier.events.iter().collect();
        // What the clock does not tell apart stays in the order of the log.
        events.sort_by_key(|event| std::cmp::Reverse((clock.reading(event), event.position)));
        let more = events.len() > most;
        events.truncate(most);
        let ids = events.iter().map(|event| event.id.clone()).collect();
        Timeline { steps: events.into_iter().map(|event| self.step(event, clock)).collect(), more, ids }
    }

    fn step(&self, event: &CloudEvent, clock: Clock) -> Value {
        let recorded = |at: Option<Instant>| at.map(minute).unwrap_or_default();
        // What happened on a day is told by the day.
        let happened = |at: Option<Instant>| match at.map(|at| (at, day_of(at))) {
            Some((at, day)) if start_of(day) == at => day.to_string(),
            at => recorded(at.map(|(at, _)| at)),
        };
        let at = clock.reading(event);
        let shown = if clock == Clock::Happened { happened(at) } else { recorded(at) };
        let (other, key) = match clock {
            Clock::Happened => (recorded(event.recordedat), "recorded_at"),
            Clock::Recorded => (happened(event.time), "happened_at"),
        };
        let actor = event.actor.as_deref().map(|actor| self.teller.actor(actor)).unwrap_or_default();
        let light = (kind(event) == "light.changed").then(|| event.data.get("to").and_then(|to| to.as_str())).flatten();
        context! {
            withdrawn => event.position.is_some_and(|position| self.dossier.withdrawn.contains(&position)), id => event.id.clone(), iso => at.map(|at| at.to_string()), at => shown, light, text => self.teller.sentence(event),
            said => self.filled("merchant", key, &[("time", &other), ("actor", &actor)]),
        }
    }
}
