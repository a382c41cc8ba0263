//! Which encoding a text file is in, and reading it as UTF-8, both without holding the file in memory.

use encoding_rs::{Decoder, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};
use std::io::{self, Read};

const CHUNK: usize = 64 * 1024;

/// Characters of more than one byte that must read as UTF-8 before a fault, for the file to count as UTF-8 with a fault in
/// it. Chinese text in GB18030 reads as UTF-8 for a few characters at most.
const CONVINCING: usize = 16;

/// Returns the encoding of a whole text: what a byte order mark says; UTF-16 if every second byte is mostly zero; UTF-8
/// if all of it is valid, or convincingly much before the first fault; GB18030 otherwise.
pub(in crate::intake) fn sniff(mut input: impl Read) -> io::Result<&'static Encoding> {
    let mut chunk = vec![0; CHUNK];
    let mut kept = 0;
    let mut first = true;
    let mut wide_letters = 0_usize;
    loop {
        let read = fill(&mut input, chunk.get_mut(kept..).unwrap_or_default())?;
        let text = chunk.get(..kept + read).unwrap_or_default();
        if std::mem::take(&mut first) {
            if let Some((encoding, _)) = Encoding::for_bom(text) {
                return Ok(encoding);
            }
            if let Some(encoding) = unmarked_utf16(text) {
                return Ok(encoding);
            }
        }
        let (valid, fault) = match std::str::from_utf8(text) {
            Ok(valid) => (valid.len(), None),
            Err(error) => (error.valid_up_to(), Some(error)),
        };
        let valid_text = text.get(..valid).unwrap_or_default();
        wide_letters += valid_text.iter().filter(|byte| **byte >= 0xC0).count();
        match fault {
            // A character cut by the end of the chunk is looked at again with the next.
            Some(error) if error.error_len().is_none() && read > 0 => {
                let rest = text.len() - valid;
                chunk.copy_within(valid..valid + rest, 0);
                kept = rest;
            }
            Some(_) => return Ok(if wide_letters >= CONVINCING { UTF_8 } else { GB18030 }),
            None if read == 0 => return Ok(UTF_8),
            None => kept = 0,
        }
    }
}

/// Fills `buffer` as far as the input goes.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Tables are full of digits and separators, which in UTF-16 have one byte zero.
fn unmarked_utf16(text: &[u8]) -> Option<&'static Encoding> {
    let text = text.get(..text.len().min(4096))?;
    let zeros = |odd: usize| text.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let (few, many) = (text.len() / 50, text.len() / 10);
    match text.len() {
        0..8 => None,
        _ if odd > many && even <= few => Some(UTF_16LE),
        _ if even > many && odd <= few => Some(UTF_16BE),
        _ => None,
    }
}

/// A reader of UTF-8 over a text in any encoding. Bytes that are no character become U+FFFD; a byte order mark is dropped.
pub(in crate::intake) struct Decoded<R> {
    input: R,
    decoder: Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: Read> Decoded<R> {
    pub(in crate::intake) fn new(input: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Self { input, decoder, raw: vec![0; CHUNK], text: Vec::new(), given: 0, ended: false }
    }

    fn refill(&mut self) -> io::Result<()> {
        let read = self.input.read(&mut self.raw)?;
        self.ended = read == 0;
        let needed = self.decoder.max_utf8_buffer_length(read).ok_or_else(|| io::Error::other("text too long"))?;
        self.text.resize(needed, 0);
        let raw = self.raw.get(..read).unwrap_or_default();
        // The buffer holds the worst case, so all input is taken in one step.
        let (_, _, written, _) = self.decoder.decode_to_utf8(raw, &mut self.text, self.ended);
        self.text.truncate(written);
        self.given = 0;
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            self.refill()?;
        }
        let rest = self.text.get(self.given..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(target), Some(source)) = (buffer.get_mut(..count), rest.get(..count)) {
            target.copy_from_slice(source);
        }
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "统一社会信用代码,报告日期,预收资金余额\n91110000101623741K,2025-03-31,500000\n";

    fn decoded(bytes: &[u8]) -> (&'static str, String) {
        let encoding = sniff(bytes).unwrap();
        let mut text = String::new();
        Decoded::new(bytes, encoding).read_to_string(&mut text).unwrap();
        (encoding.name(), text)
    }

    #[test]
    fn four_encodings_are_told_apart_with_and_without_a_mark() {
        assert_eq!(decoded(TEXT.as_bytes()), ("UTF-8", TEXT.to_owned()));
        assert_eq!(decoded(format!("\u{FEFF}{TEXT}").as_bytes()), ("UTF-8", TEXT.to_owned()));
        assert_eq!(decoded(&GB18030.encode(TEXT).0), ("gb18030", TEXT.to_owned()));
        let little: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decoded(&little), ("UTF-16LE", TEXT.to_owned()));
        assert_eq!(decoded(&big), ("UTF-16BE", TEXT.to_owned()));
        assert_eq!(decoded(&[&[0xFF, 0xFE], little.as_slice()].concat()), ("UTF-16LE", TEXT.to_owned()));
    }

    #[test]
    fn the_first_bad_byte_may_come_late() {
        // Half a million ASCII rows before the first Chinese character.
        let late = "a,b,c\n".repeat(500_000);
        assert_eq!(sniff([late.as_bytes(), &GB18030.encode("北京").0].concat().as_slice()).unwrap(), GB18030);
        assert_eq!(sniff([late.as_bytes(), "北京".as_bytes()].concat().as_slice()).unwrap(), UTF_8);
    }

    #[test]
    fn characters_cut_by_the_end_of_a_chunk_are_whole() {
        for shift in 0..4 {
            let text = format!("{}{}", "x".repeat(CHUNK - shift), "北京朝阳".repeat(30_000));
            assert_eq!(decoded(text.as_bytes()), ("UTF-8", text.clone()));
            assert_eq!(decoded(&GB18030.encode(&text).0).1, text);
        }
    }

    #[test]
    fn one_bad_byte_does_not_make_a_utf8_file_another() {
        let mut bytes = TEXT.as_bytes().to_vec();
        bytes.insert(TEXT.len() - 2, 0xFF);
        let (name, text) = decoded(&bytes);
        assert_eq!(name, "UTF-8");
        assert!(text.contains('\u{FFFD}'));
    }
}
