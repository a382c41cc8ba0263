//! What can be made to go wrong.

use std::time::Duration;

/// What a server does to one append instead of answering it well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AppendFault {
    /// Nothing is written; the answer is status 14, UNAVAILABLE.
    Unavailable,
    /// Nothing is written; the line is cut.
    CutBefore,
    /// It is written; the line is cut before the answer.
    CutAfter,
    /// It is written; no answer ever comes.
    SilentAfter,
    /// Nothing is written; the answer is that the append is too large.
    TooLarge,
    /// Nothing is written; the answer is that the message is larger than the server reads.
    MessageTooLarge,
    /// Nothing is written; the server dies, and another leads.
    DiesBefore,
    /// It is written; the server dies before it answers, and another leads that has it.
    DiesAfter,
    /// It is written; the answer is that no majority had it in time. In a batch only.
    TimesOut,
    /// It is written; the call ends in good order before it is answered. In a batch only.
    EndsWellAfter,
}

impl AppendFault {
    /// Says whether the append is written all the same.
    pub(super) fn writes(self) -> bool {
        match self {
            Self::CutAfter | Self::SilentAfter | Self::DiesAfter | Self::TimesOut | Self::EndsWellAfter => true,
            Self::Unavailable | Self::CutBefore | Self::TooLarge | Self::MessageTooLarge | Self::DiesBefore => false,
        }
    }
}

/// What a server does to one read of the whole log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadFault {
    /// The line is cut after so many events.
    CutAfter(usize),
    /// Each event takes so long.
    Slow(Duration),
    /// No answer ever comes.
    Silent,
    /// The answer is status 14, UNAVAILABLE.
    Unavailable,
}

/// How a server says that no event begins where a read of the whole log is to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Misplaced {
    /// Source: `RpcExceptions.InvalidPositionException`; of the current server, subscriptions only.
    InvalidArgument,
    /// Source: servers from 24.10 to 26, `Enumerator.ReadAllForwardsFiltered.cs`, with `FilteredReadAllResult.InvalidPosition` in
    /// `RpcExceptions.UnknownError`.
    #[default]
    InvalidPosition,
    /// Source: server 23.10, the same with `FilteredReadAllResult.Error`.
    Error,
}
