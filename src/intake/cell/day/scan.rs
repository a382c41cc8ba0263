//! Going through a date from left to right.

use super::WEEKDAYS;
use jiff::civil::Weekday;

/// What of a text is still to be read.
pub(super) struct Scan<'a>(&'a str);

impl<'a> Scan<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self(text)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says whether this is all that is left.
    pub(super) fn is(&self, text: &str) -> bool {
        self.0 == text
    }

    /// Takes the digits at the front, at most `longest` of them.
    pub(super) fn number(&mut self, longest: usize) -> Option<(u32, usize)> {
        let count = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(count)?;
        let value = if (1..=longest).contains(&count) { digits.parse().ok()? } else { return None };
        self.0 = rest;
        Some((value, count))
    }

    /// Takes all digits at the front and says whether there were any.
    pub(super) fn digits(&mut self) -> bool {
        let rest = self.0.trim_start_matches(|letter: char| letter.is_ascii_digit());
        let any = rest.len() < self.0.len();
        self.0 = rest;
        any
    }

    /// Takes one character.
    pub(super) fn first(&mut self) -> Option<char> {
        let mut letters = self.0.chars();
        let first = letters.next();
        self.0 = letters.as_str();
        first
    }

    pub(super) fn eat(&mut self, wanted: char) -> bool {
        self.0.strip_prefix(wanted).map(|rest| self.0 = rest).is_some()
    }

    /// Takes a word, in any case.
    pub(super) fn word(&mut self, wanted: &str) -> bool {
        let found = self.0.get(..wanted.len()).is_some_and(|front| front.eq_ignore_ascii_case(wanted));
        if found {
            self.0 = self.0.get(wanted.len()..).unwrap_or_default();
        }
        found
    }

    /// Takes blanks and says whether there were any.
    pub(super) fn blanks(&mut self) -> bool {
        let rest = self.0.trim_start();
        let any = rest.len() < self.0.len();
        self.0 = rest;
        any
    }

    /// Says whether a date in digits may end here: before a blank, a `T`, a weekday or the end.
    pub(super) fn may_end_here(&self) -> bool {
        self.0.chars().next().is_none_or(|letter| {
            letter.is_whitespace() || matches!(letter, 'T' | 't' | '(' | '星' | '周' | '上' | '下')
        })
    }

    /// Takes a day of the week, in brackets or not: `星期五`, `（周五）`.
    pub(super) fn weekday(&mut self) -> Option<Weekday> {
        let before = self.0;
        let bracket = self.eat('(');
        let named = self.word("星期") || self.word("周") || self.word("礼拜");
        let day = WEEKDAYS.iter().find(|(word, _)| named && self.word(word)).map(|(_, day)| *day);
        if day.is_none() || bracket && !self.eat(')') {
            self.0 = before;
            return None;
        }
        self.blanks();
        day
    }
}
