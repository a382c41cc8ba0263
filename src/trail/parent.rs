//! The header `traceparent` of W3C Trace Context: what came to us belongs to a trace that began elsewhere.

use uuid::Uuid;

/// Characters of a header of version 00; later versions begin with the same ones.
const LENGTH: usize = 55;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    /// The trace.
    pub trace: Uuid,
    /// The caller's span.
    pub span: u64,
}

impl Parent {
    /// Reads a header; `None` for one that the standard tells to ignore, as if it had not come.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let header = header.trim_matches([' ', '\t']);
        let mut fields = header.splitn(5, '-');
        let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let well_formed = is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
        // Version 00 ends here, ff is none, and a later one may add fields behind another hyphen.
        let ends = if version == "00" { header.len() == LENGTH } else { version != "ff" };
        if !well_formed || !ends {
            return None;
        }
        let parent = Self {
            trace: Uuid::from_u128(u128::from_str_radix(trace, 16).ok()?),
            span: u64::from_str_radix(span, 16).ok()?,
        };
        (!parent.trace.is_nil() && parent.span != 0).then_some(parent)
    }
}

/// Lower case only, as the standard has it.
fn is_hex(field: &str, digits: usize) -> bool {
    field.len() == digits && field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn given_a_header_as_the_standard_writes_it_then_its_ids_are_read() {
        let expected = Parent { trace: TRACE.parse().unwrap(), span: 0x00f0_67aa_0ba9_02b7 };
        for header in [
            format!("00-{TRACE}-00f067aa0ba902b7-01"),
            // Not sampled by the caller is no reason to lose the thread, and flags to come are passed over.
            format!("00-{TRACE}-00f067aa0ba902b7-00"),
            format!("00-{TRACE}-00f067aa0ba902b7-ff"),
            // Blanks around a header's value are not part of it.
            format!(" \t00-{TRACE}-00f067aa0ba902b7-01 "),
            // A later version, with and without more.
            format!("01-{TRACE}-00f067aa0ba902b7-01"),
            format!("cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-will-be"),
            format!("cc-{TRACE}-00f067aa0ba902b7-01-"),
        ] {
            assert_eq!(Parent::parse(&header), Some(expected), "{header}");
        }
        assert_eq!(expected.trace.simple().to_string(), TRACE);
    }

    #[test]
    fn given_a_header_that_breaks_the_standard_then_it_is_as_if_it_had_not_come() {
        let zeroes = "0".repeat(32);
        let upper = TRACE.to_uppercase();
        for header in [
            String::new(),
            "00".to_owned(),
            TRACE.to_owned(),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}-00f067aa0ba902b7-"),
            format!("00-{TRACE}-00f067aa0ba902b7-1"),
            format!("00-{TRACE}-00f067aa0ba902b7-0g"),
            // Version 00 has four fields.
            format!("00-{TRACE}-00f067aa0ba902b7-01-"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("00-{TRACE}-00f067aa0ba902b7-01.more"),
            format!("cc-{TRACE}-00f067aa0ba902b7-01.more"),
            // No such version.
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("0-{TRACE}-00f067aa0ba902b7-01"),
            format!("qq-{TRACE}-00f067aa0ba902b7-01"),
            format!("0A-{TRACE}-00f067aa0ba902b7-01"),
            // Ids of nobody, of the wrong length, in capitals, with a sign.
            format!("00-{zeroes}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{upper}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00F067AA0BA902B7-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.get(1..).unwrap()),
            format!("00-{TRACE}0-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0f067aa0ba902b7-01"),
            format!("00-+{}-00f067aa0ba902b7-01", TRACE.get(1..).unwrap()),
            format!("00_{TRACE}_00f067aa0ba902b7_01"),
            format!("00-{TRACE} -00f067aa0ba902b7-01"),
        ] {
            assert_eq!(Parent::parse(&header), None, "{header}");
        }
    }
}
