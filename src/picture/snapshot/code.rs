//! How values are written into a snapshot: numbers as few bytes as they need, texts with their length, nothing named.
//! Only this version of the service reads it ([`super::FOLD`]), so there is nothing to be compatible with.

use crate::domain::code::{CreditCode, DivisionCode};
use crate::domain::money::{Ratio, Yuan};
use crate::domain::time::{Day, Instant};
use rust_decimal::Decimal;
use std::sync::Arc;
use thin_vec::ThinVec;
use uuid::Uuid;

/// A value that a snapshot holds.
pub(in crate::picture) trait Stored: Sized {
    /// Appends the value.
    fn put(&self, out: &mut Vec<u8>);
    /// Takes the value off the front; `None` if there is no such value.
    fn get(from: &mut &[u8]) -> Option<Self>;
}

/// Reads so many values; `None` if there are not so many.
pub(in crate::picture) fn read_all<T: Stored>(count: usize, from: &mut &[u8]) -> Option<Vec<T>> {
    // No value takes less than a byte: a wrong count does not ask for all the memory there is.
    let mut all = Vec::with_capacity(count.min(from.len()));
    for _ in 0..count {
        all.push(T::get(from)?);
    }
    Some(all)
}

fn take<'a>(from: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, rest) = from.split_at_checked(count)?;
    *from = rest;
    Some(head)
}

impl Stored for u64 {
    /// Seven bits a byte, the lowest first; the top bit says that more follows.
    fn put(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        while rest >= 0x80 {
            out.push((rest & 0x7F) as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = from.split_first()?;
            *from = rest;
            value |= Self::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

impl Stored for i64 {
    /// The sign goes into the lowest bit, so that small numbers of either sign stay short.
    fn put(&self, out: &mut Vec<u8>) {
        ((self << 1) ^ (self >> 63)).cast_unsigned().put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        let folded = u64::get(from)?;
        Some((folded >> 1).cast_signed() ^ -((folded & 1).cast_signed()))
    }
}

impl Stored for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        u64::from(*self).put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        u64::get(from)?.try_into().ok()
    }
}

impl Stored for u16 {
    fn put(&self, out: &mut Vec<u8>) {
        u64::from(*self).put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        u64::get(from)?.try_into().ok()
    }
}

impl Stored for u8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        take(from, 1)?.first().copied()
    }
}

impl Stored for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        match take(from, 1)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl<const N: usize> Stored for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        let (head, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(*head)
    }
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    (text.len() as u64).put(out);
    out.extend_from_slice(text.as_bytes());
}

fn get_text<'a>(from: &mut &'a [u8]) -> Option<&'a str> {
    let length = u64::get(from)?.try_into().ok()?;
    std::str::from_utf8(take(from, length)?).ok()
}

macro_rules! texts {
    ($($text:ty),+) => {$(
        impl Stored for $text {
            fn put(&self, out: &mut Vec<u8>) {
                put_text(self, out);
            }

            fn get(from: &mut &[u8]) -> Option<Self> {
                get_text(from).map(Self::from)
            }
        }
    )+};
}

texts!(String, Box<str>, Arc<str>);

impl<T: Stored> Stored for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        if bool::get(from)? { T::get(from).map(Some) } else { Some(None) }
    }
}

impl<T> Stored for Arc<[T]>
where
    Vec<T>: Stored,
    T: Clone,
{
    fn put(&self, out: &mut Vec<u8>) {
        self.to_vec().put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        Vec::get(from).map(Self::from)
    }
}

macro_rules! lists {
    ($($list:ident),+) => {$(
        impl<T: Stored> Stored for $list<T> {
            fn put(&self, out: &mut Vec<u8>) {
                (self.len() as u64).put(out);
                self.iter().for_each(|item| item.put(out));
            }

            fn get(from: &mut &[u8]) -> Option<Self> {
                let length: usize = u64::get(from)?.try_into().ok()?;
                // No item takes less than a byte: a wrong length does not ask for all the memory there is.
                let mut list = Self::with_capacity(length.min(from.len()));
                for _ in 0..length {
                    list.push(T::get(from)?);
                }
                Some(list)
            }
        }
    )+};
}

lists!(Vec, ThinVec);

macro_rules! tuples {
    ($($name:ident: $value:ident),+) => {
        impl<$($name: Stored),+> Stored for ($($name,)+) {
            fn put(&self, out: &mut Vec<u8>) {
                let ($($value,)+) = self;
                $($value.put(out);)+
            }

            fn get(from: &mut &[u8]) -> Option<Self> {
                Some(($($name::get(from)?,)+))
            }
        }
    };
}

tuples!(A: a, B: b);
tuples!(A: a, B: b, C: c);

impl Stored for Uuid {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_bytes().put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        Stored::get(from).map(Self::from_bytes)
    }
}

impl Stored for Day {
    fn put(&self, out: &mut Vec<u8>) {
        let month = i64::from(self.year()) * 16 + i64::from(self.month());
        (month * 32 + i64::from(self.day())).put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        let packed = i64::get(from)?;
        let month = packed >> 5;
        Self::new((month >> 4).try_into().ok()?, (month & 15).try_into().ok()?, (packed & 31).try_into().ok()?).ok()
    }
}

impl Stored for Instant {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_second().put(out);
        i64::from(self.subsec_nanosecond()).put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        Self::new(i64::get(from)?, i64::get(from)?.try_into().ok()?).ok()
    }
}

impl Stored for CreditCode {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_str().as_bytes());
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        std::str::from_utf8(take(from, 18)?).ok()?.parse().ok()
    }
}

impl Stored for DivisionCode {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(&self.to_string(), out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        get_text(from)?.parse().ok()
    }
}

impl Stored for Yuan {
    fn put(&self, out: &mut Vec<u8>) {
        self.fen().put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        i64::get(from).map(Self::from_fen)
    }
}

impl Stored for Ratio {
    fn put(&self, out: &mut Vec<u8>) {
        self.decimal().serialize().put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        Decimal::deserialize(Stored::get(from)?).try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn comes_back<T: Stored + PartialEq + std::fmt::Debug>(value: &T) {
        let mut out = Vec::new();
        value.put(&mut out);
        let mut from = out.as_slice();
        assert_eq!(T::get(&mut from).as_ref(), Some(value));
        assert!(from.is_empty(), "{from:?} is left");
        for cut in 0..out.len() {
            assert_ne!(T::get(&mut &out[..cut]).as_ref(), Some(value), "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn numbers_and_texts_come_back(a: u64, b: i64, c: bool, text in ".{0,40}", list: Vec<Option<i64>>) {
            comes_back(&a);
            comes_back(&b);
            comes_back(&(b, c));
            comes_back(&text);
            comes_back(&list);
        }

        #[test]
        fn days_and_instants_come_back(days in -700_000_i64..2_900_000, seconds in -60_000_000_000_i64..200_000_000_000, nano in 0_i32..1_000_000_000) {
            comes_back(&crate::domain::time::plus_days(jiff::civil::date(1970, 1, 1), days));
            comes_back(&Instant::new(seconds, nano).unwrap());
        }
    }

    #[test]
    fn the_values_of_the_field_come_back() {
        comes_back(&"91110000101623741K".parse::<CreditCode>().unwrap());
        comes_back(&"110108".parse::<DivisionCode>().unwrap());
        comes_back(&"1234567.89".parse::<Yuan>().unwrap());
        comes_back(&"5.25%".parse::<Ratio>().unwrap());
        comes_back(&Uuid::from_u128(7));
        comes_back(&Some((Day::MIN, Instant::MAX)));
        comes_back(&Some((Day::MAX, Instant::MIN)));
    }

    #[test]
    fn a_length_beyond_the_end_is_no_value() {
        assert_eq!(Vec::<u64>::get(&mut [0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 1].as_slice()), None);
        assert_eq!(String::get(&mut [5, b'a'].as_slice()), None);
    }
}
