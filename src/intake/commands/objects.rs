//! Objects of a JSON text, one after the other, whatever stands between them: one on each line, an array, or objects spread over
//! several lines. An object that breaks costs itself: the next begins where a line begins with a brace.

use crate::intake::tables::lines::{LONGEST_LINE, Line, read_line};
use std::io::{self, BufRead};

/// A piece of a JSON text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// An object, or what stands where one should; its first line, from 1, and its bytes.
    Object(u64, Vec<u8>),
    /// An object that is too long to be a command.
    TooLong(u64),
    /// The end.
    End,
}

/// Takes a text apart.
pub(super) struct Objects<R> {
    input: R,
    line: Vec<u8>,
    /// What of the line is still to be looked at.
    at: usize,
    number: u64,
    /// The object that is open, and where it began.
    open: Vec<u8>,
    began: u64,
    depth: usize,
    in_text: bool,
    escaped: bool,
    too_long: bool,
    ended: bool,
}

impl<R: BufRead> Objects<R> {
    pub(super) fn new(input: R) -> Self {
        let (line, open) = (Vec::new(), Vec::new());
        let (in_text, escaped, too_long, ended) = (false, false, false, false);
        Self { input, line, at: 0, number: 0, open, began: 0, depth: 0, in_text, escaped, too_long, ended }
    }

    /// Returns the next piece.
    pub(super) fn next(&mut self) -> io::Result<Piece> {
        loop {
            if self.at >= self.line.len() {
                if let Some(broken) = self.next_line()? {
                    return Ok(broken);
                }
                if self.ended {
                    return Ok(if self.open.is_empty() { Piece::End } else { self.close() });
                }
            }
            while let Some(byte) = self.line.get(self.at).copied() {
                self.at += 1;
                if self.take(byte) {
                    return Ok(self.close());
                }
            }
            // What is no object at all ends with its line.
            if self.depth == 0 && !self.open.is_empty() {
                return Ok(self.close());
            }
            if !self.open.is_empty() {
                self.open.push(b'\n');
            }
        }
    }

    /// Reads the next line; returns the object that breaks before it.
    fn next_line(&mut self) -> io::Result<Option<Piece>> {
        let read = read_line(&mut self.input, &mut self.line)?;
        self.at = 0;
        if read == Line::End {
            self.line.clear();
            self.ended = true;
            return Ok(None);
        }
        let broken = (self.line.starts_with(b"{") && self.depth > 0).then(|| self.close());
        self.number += 1;
        if self.number == 1 && self.line.starts_with(b"\xEF\xBB\xBF") {
            self.line.drain(..3);
        }
        if read == Line::TooLong {
            self.line.clear();
            self.open.clear();
            (self.depth, self.in_text) = (0, false);
            return Ok(Some(Piece::TooLong(self.number)));
        }
        Ok(broken)
    }

    /// Takes one byte; says whether an object ended with it.
    fn take(&mut self, byte: u8) -> bool {
        if self.depth == 0 {
            match byte {
                // Between objects: blanks, and the mark-up of an array.
                b' ' | b'\t' | b',' | b'[' | b']' if self.open.is_empty() => return false,
                b'{' if self.open.is_empty() => self.depth = 1,
                _ => {}
            }
            if self.open.is_empty() {
                self.began = self.number;
            }
            self.keep(byte);
            return false;
        }
        self.keep(byte);
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_text => self.escaped = true,
            b'"' => self.in_text = !self.in_text,
            b'{' | b'[' if !self.in_text => self.depth += 1,
            b'}' | b']' if !self.in_text => self.depth -= 1,
            _ => {}
        }
        self.depth == 0
    }

    fn keep(&mut self, byte: u8) {
        if self.open.len() < LONGEST_LINE {
            self.open.push(byte);
        } else {
            self.too_long = true;
        }
    }

    fn close(&mut self) -> Piece {
        (self.depth, self.in_text, self.escaped) = (0, false, false);
        let open = std::mem::take(&mut self.open);
        if std::mem::take(&mut self.too_long) { Piece::TooLong(self.began) } else { Piece::Object(self.began, open) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<(u64, String)> {
        let mut objects = Objects::new(text.as_bytes());
        let mut all = Vec::new();
        loop {
            match objects.next().unwrap() {
                Piece::End => return all,
                Piece::Object(line, bytes) => {
                    all.push((line, String::from_utf8(bytes).unwrap().replace(['\n', ' '], "")))
                }
                Piece::TooLong(line) => all.push((line, "too long".to_owned())),
            }
        }
    }

    fn told(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
        expected.iter().map(|(line, text)| (*line, (*text).to_owned())).collect()
    }

    #[test]
    fn lines_arrays_and_objects_over_several_lines_are_taken_apart_alike() {
        let expected = |first: u64, second: u64| told(&[(first, r#"{"a":"}[{"}"#), (second, r#"{"b":[{}]}"#)]);
        assert_eq!(pieces("{\"a\":\"}[{\"}\n\n{\"b\":[{}]}\n"), expected(1, 3));
        assert_eq!(pieces("[{\"a\":\"}[{\"}, {\"b\":[{}]}]"), expected(1, 1));
        assert_eq!(pieces("[\n  {\n \"a\": \"}[{\"\n  },\n  {\"b\":\n[{}]}\n]\n"), expected(2, 5));
        assert_eq!(pieces("{\n  \"a\": \"}[{\"\n}\n{\n  \"b\": [{}]\n}"), expected(1, 4));
    }

    #[test]
    fn what_breaks_costs_itself() {
        assert_eq!(pieces("{\"a\":1\n{\"b\":2}\n"), told(&[(1, "{\"a\":1"), (2, "{\"b\":2}")]));
        assert_eq!(pieces("{\"a\":\"x\n{\"b\":2}\n"), told(&[(1, "{\"a\":\"x"), (2, "{\"b\":2}")]));
        assert_eq!(pieces("oops\n{\"b\":2}\n"), told(&[(1, "oops"), (2, "{\"b\":2}")]));
        assert_eq!(pieces("{\"b\":"), told(&[(1, "{\"b\":")]));
        let long = format!("{{\"a\":\"{}\"}}\n{{\"b\":2}}", "x".repeat(2 * LONGEST_LINE));
        assert_eq!(pieces(&long), told(&[(1, "too long"), (2, "{\"b\":2}")]));
    }
}
