//! Writing: what the parts hand over, gathered into sections of about a megabyte.

use super::code::Stored as _;
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

/// Bytes of things in a section, about: enough to be worth a thread's while, few enough to stay in its cache.
const SECTION: usize = 1 << 20;

/// Things of each part, by its tag.
pub(super) type Counts = Vec<(u8, u64)>;

/// What the parts of a picture hand their things to.
pub(in crate::picture) struct Keep<'w> {
    to: &'w mut dyn Write,
    tag: u8,
    /// Things in the section under way, and their bytes.
    count: u64,
    bytes: Vec<u8>,
    /// Things of each part so far.
    counts: Counts,
    /// Over the digests of the sections.
    digest: Sha256,
    outcome: io::Result<()>,
}

impl<'w> Keep<'w> {
    pub(super) fn new(to: &'w mut dyn Write) -> Self {
        let bytes = Vec::with_capacity(2 * SECTION);
        Self { to, tag: 0, count: 0, bytes, counts: Vec::new(), digest: Sha256::new(), outcome: Ok(()) }
    }

    /// Takes everything one part hands over.
    pub(in crate::picture) fn part(&mut self, tag: u8, hand_over: impl FnOnce(&mut Self)) {
        self.tag = tag;
        self.counts.push((tag, 0));
        hand_over(self);
        self.close_section();
    }

    /// Takes one thing: `put` appends it.
    pub(in crate::picture) fn one(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        if self.outcome.is_err() {
            return;
        }
        put(&mut self.bytes);
        self.count += 1;
        if let Some((_, count)) = self.counts.last_mut() {
            *count += 1;
        }
        if self.bytes.len() >= SECTION {
            self.close_section();
        }
    }

    fn close_section(&mut self) {
        if self.count > 0 {
            let mut head = vec![self.tag];
            self.count.put(&mut head);
            let bytes = std::mem::take(&mut self.bytes);
            self.section(&head, &bytes);
            self.bytes = bytes;
            self.bytes.clear();
            self.count = 0;
        }
    }

    /// Writes a section: its length, its kind and count, its things.
    pub(super) fn section(&mut self, head: &[u8], bytes: &[u8]) {
        self.digest.update(Sha256::new().chain_update(head).chain_update(bytes).finalize());
        let to = &mut *self.to;
        let written = u32::try_from(head.len() + bytes.len())
            .map_err(|_| io::Error::other("a part of the picture is too large for a snapshot"))
            .and_then(|length| to.write_all(&length.to_be_bytes()))
            .and_then(|()| to.write_all(head))
            .and_then(|()| to.write_all(bytes));
        if self.outcome.is_ok() {
            self.outcome = written;
        }
    }

    /// Returns the counts of the parts and the digest over all sections so far.
    pub(super) fn finish(self) -> io::Result<(Counts, [u8; 32])> {
        self.outcome.map(|()| (self.counts, self.digest.finalize().into()))
    }
}
