//! Ticket numbers (工单编号) and the names tickets have in the log.
//!
//! A number is unique within its channel. A ticket is named by its number, and its stream by its name; a number that another
//! channel used first gets the channel behind it, `GD1@12345`. So a mall that uses a hotline's number takes nothing from the
//! hotline, and tickets recorded before this was so keep their names.

use super::command::RecordComplaint;
use super::evidence::Complaint;
use super::merchant::Merchant;
use super::words::Channel;
use super::world::World;

/// Longest ticket number, in bytes: with the prefix of its stream and a channel it stays within the log's bounds on names.
const LONGEST: usize = 480;

/// Why a ticket number is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketFault {
    /// Too long to name a stream.
    #[error(
        "the ticket number has {0} characters; at most 160 Chinese characters or {LONGEST} letters and digits are taken"
    )]
    TooLong(usize),
    /// It ends as the names of tickets do whose number another channel uses, too.
    #[error("a ticket number cannot end in `@{}`; write the channel as the channel only", .0.name())]
    Reserved(Channel),
}

impl TicketFault {
    /// Returns the stable code of the fault.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong(_) => "too_long",
            Self::Reserved(_) => "reserved",
        }
    }

    /// Returns the fault in Chinese.
    #[must_use]
    pub fn zh(self) -> String {
        match self {
            Self::TooLong(length) => format!("工单编号共 {length} 个字，最多 160 个汉字或 {LONGEST} 个字母和数字"),
            Self::Reserved(channel) => format!("工单编号不得以 `@{}` 结尾；来源请只填在来源一栏", channel.name()),
        }
    }
}

/// Returns what is wrong with a ticket number, if anything.
#[must_use]
pub fn fault(number: &str) -> Option<TicketFault> {
    if number.len() > LONGEST {
        return Some(TicketFault::TooLong(number.chars().count()));
    }
    let channel = Channel::ALL.iter().find(|channel| without(number, **channel).is_some())?;
    Some(TicketFault::Reserved(*channel))
}

fn with(number: &str, channel: Channel) -> String {
    format!("{number}@{}", channel.name())
}

fn without(name: &str, channel: Channel) -> Option<&str> {
    name.strip_suffix(channel.name())?.strip_suffix('@')
}

/// Returns the number that people know a complaint's ticket by.
#[must_use]
pub fn number(complaint: &Complaint) -> &str {
    number_of(&complaint.ticket, complaint.channel)
}

/// Returns the number behind the name of a ticket of a channel.
#[must_use]
pub fn number_of(name: &str, channel: Channel) -> &str {
    without(name, channel).unwrap_or(name)
}

/// What is known about the number of a complaint that is stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known<'a> {
    /// Name that the ticket has, or gets.
    pub name: String,
    /// The ticket of that channel, with the merchant it is about; `None` if it is new.
    pub ticket: Option<(&'a Merchant, &'a Complaint)>,
}

/// Finds the ticket that a row speaks of. `owner` returns the merchant that the ticket of a name is about.
pub fn find<'a>(row: &RecordComplaint, owner: impl Fn(&str) -> Option<&'a Merchant>) -> Known<'a> {
    find_of(&row.ticket, row.channel, owner)
}

/// Finds the ticket of a number in a channel; see [`find`].
pub fn find_of<'a>(ticket: &str, channel: Channel, owner: impl Fn(&str) -> Option<&'a Merchant>) -> Known<'a> {
    let named = |name: &str| owner(name).and_then(|owner| Some((owner, owner.complaint(name)?)));
    let plain = named(ticket);
    if plain.is_none_or(|(_, complaint)| complaint.channel != channel) {
        let name = with(ticket, channel);
        let own = named(&name);
        // Its own name goes first: once given it stays, whatever becomes of the other channel's ticket.
        if own.is_some() || plain.is_some() {
            return Known { name: named_as(own).unwrap_or(name), ticket: own };
        }
    }
    Known { name: named_as(plain).unwrap_or_else(|| ticket.to_owned()), ticket: plain }
}

/// Returns what is known about the ticket of a name.
pub fn of_name<'a>(name: &str, owner: impl Fn(&str) -> Option<&'a Merchant>) -> Known<'a> {
    Known { name: name.to_owned(), ticket: owner(name).and_then(|owner| Some((owner, owner.complaint(name)?))) }
}

/// Returns the name under which a ticket is known, which may be another spelling than the one asked for.
fn named_as(ticket: Option<(&Merchant, &Complaint)>) -> Option<String> {
    ticket.map(|(_, complaint)| complaint.ticket.to_string())
}

/// Returns every ticket of a number, one for each channel that uses it, or the one of a name.
#[must_use]
pub fn all<'a>(world: &'a World, number: &str) -> Vec<(&'a Merchant, &'a Complaint)> {
    let names = std::iter::once(number.to_owned()).chain(Channel::ALL.iter().map(|channel| with(number, *channel)));
    names
        .filter_map(|name| {
            let owner = world.get(world.ticket_owner(&name)?)?;
            Some((owner, owner.complaint(&name)?))
        })
        .collect()
}
