//! How a command stands to the scope of who says it.

use super::View;
use crate::domain::access::OutOfScope;
use crate::domain::check::{Problem, check};
use crate::domain::command::{Command, MakeStatement};
use crate::domain::ticket;
use crate::domain::tidy::tidy;
use crate::domain::whose::name_of;
use crate::domain::words::{Channel, Light, Role, StatementKind};
use crate::lights::moment::with_facts;
use uuid::Uuid;

/// How a command stands to the scope of who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// About a merchant that the speaker sees.
    Known,
    /// Allowed, but nothing about the merchant is known to the speaker: a refusal by what is on record would tell.
    Blind,
}

/// Why a command does not reach the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSaid {
    /// It is not the speaker's to say.
    OutOfScope(OutOfScope),
    /// This is wrong with it, whoever says it.
    Wrong(Vec<Problem>),
}

impl View<'_> {
    /// Puts into a ticket of a mall's own at which of its malls it was handed in, where the tenant's shops leave no choice.
    ///
    /// # Errors
    /// They leave one: it has to be said.
    pub fn completed(&self, mut command: Command) -> Result<Command, NotSaid> {
        if self.scope.role == Role::Operator
            && let Command::RecordComplaint(row) = &mut command
            && row.channel == Channel::Mall
            && row.mall.is_none()
            && let Some(tenant) = self.merchant(row.credit_code)
        {
            let known = ticket::find(row, |name| self.world.get(self.world.ticket_owner(name)?));
            let stands = known.ticket.and_then(|(_, ticket)| ticket.mall.as_deref().map(str::to_owned));
            let own = with_facts(tenant, &self.horizon(), self.policies, |facts| {
                self.scope.own_malls(facts).into_iter().map(str::to_owned).collect::<Vec<_>>()
            });
            row.mall = match (stands, own.as_slice()) {
                (Some(_), _) => None,
                (None, [one]) => Some(one.clone()),
                (None, several) => return Err(NotSaid::Wrong(vec![which_mall(several)])),
            };
        }
        if let Command::MakeStatement(row) = &mut command
            && row.kind == StatementKind::Objection
            && self.merchant(row.credit_code).is_some()
        {
            row.against = Some(self.objected_to(row)?);
        }
        Ok(command)
    }

    /// Returns the light change that an objection is about: the one that brought the present light.
    fn objected_to(&self, row: &MakeStatement) -> Result<Uuid, NotSaid> {
        let lit = self.lights.get(row.credit_code).filter(|lit| lit.light != Light::Green);
        match (lit, row.against) {
            (None, _) => Err(NotSaid::Wrong(vec![nothing_lit()])),
            (Some(lit), Some(against)) if against != lit.event => Err(NotSaid::Wrong(vec![lit_anew(against)])),
            (Some(lit), _) => Ok(lit.event),
        }
    }

    /// Checks a command against the scope. What is wrong with a command by itself is said first, so that the answer is the same
    /// whether or not the register holds a merchant that the speaker does not see.
    ///
    /// # Errors
    /// See [`NotSaid`].
    pub fn standing(&self, command: &Command) -> Result<Standing, NotSaid> {
        let (view, scope) = (self, self.scope);
        let merchant = command.credit_code().and_then(|code| view.world.get(code));
        // What names no merchant is about none that could be kept from the speaker.
        let names_nobody = command.credit_code().is_none();
        let seen = names_nobody || merchant.is_some_and(|merchant| view.sees(merchant)) || scope.is_everything();
        let may = match merchant {
            Some(merchant) => {
                with_facts(merchant, &view.horizon(), view.policies, |facts| scope.may_say(command, Some(facts)))
            }
            None => scope.may_say(command, None),
        };
        // A known ticket belongs to a merchant already; whoever may not see it may not speak of it.
        let number = command.ticket();
        let may = may.and_then(|()| match number {
            Some((number, channel)) if !scope.is_everything() => {
                let named = |name: &str| view.world.get(view.world.ticket_owner(name)?);
                let known = match view.queue.get(&name_of(number, channel)) {
                    Some(entry) => ticket::of_name(&entry.said.ticket, named),
                    None => ticket::find_of(number, channel, named),
                };
                let is_theirs = known.ticket.is_none_or(|(owner, known)| {
                    view.merchant(owner.code).is_some_and(|owner| view.reader(owner).sees_complaint(known))
                });
                if is_theirs { Ok(()) } else { Err(OutOfScope::Place) }
            }
            _ => Ok(()),
        });
        let may = may.and_then(|()| match command {
            Command::DecideUnattributed(row) => match view.queue.get(&name_of(&row.ticket, row.channel)) {
                Some(entry) if !view.is_for_reader(entry) => Err(OutOfScope::Ticket),
                _ => Ok(()),
            },
            _ => Ok(()),
        });
        match may {
            Ok(()) if seen => Ok(Standing::Known),
            Err(reason @ (OutOfScope::Role | OutOfScope::Ticket)) => Err(NotSaid::OutOfScope(reason)),
            other if !seen => {
                let problems = check(&tidy(command.clone()), view.now);
                match other {
                    _ if !problems.is_empty() => Err(NotSaid::Wrong(problems)),
                    Ok(()) => Ok(Standing::Blind),
                    Err(reason) => Err(NotSaid::OutOfScope(reason)),
                }
            }
            Err(reason) => Err(NotSaid::OutOfScope(reason)),
            Ok(()) => Ok(Standing::Known),
        }
    }
}

fn nothing_lit() -> Problem {
    Problem {
        field: "against",
        code: "nothing_lit",
        value: String::new(),
        zh: "目前为绿灯，没有可以提出异议的亮灯".to_owned(),
        en: "the light is green: there is nothing to object to".to_owned(),
    }
}

fn lit_anew(against: Uuid) -> Problem {
    Problem {
        field: "against",
        code: "lit_anew",
        value: against.to_string(),
        zh: "亮灯情况此后已有变化；请查看目前的原因后再提出".to_owned(),
        en: "the light has changed since; look at its present reasons and object to those".to_owned(),
    }
}

fn which_mall(own: &[String]) -> Problem {
    Problem {
        field: "mall",
        code: "missing",
        value: String::new(),
        zh: format!("该商户在您的多个商场有店铺（{}）；请在 `mall` 中填写投诉在哪个商场受理", own.join("、")),
        en: format!(
            "the merchant has shops in several of your malls ({}); name in `mall` the one it was handed in at",
            own.join(", ")
        ),
    }
}
