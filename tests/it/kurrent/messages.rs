//! The messages of the published protocol that the client uses, as far as the double needs them.
//!
//! Field numbers are those of `streams.proto`, `shared.proto`, `serverfeatures.proto` and `gossip.proto` as shipped with
//! kurrentdb 1.2.0. A `oneof` is written as optional fields: on the wire both are the same.

use prost::Message;
use std::collections::HashMap;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Empty {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Structured {
    #[prost(int64, tag = "1")]
    pub(super) most: i64,
    #[prost(int64, tag = "2")]
    pub(super) least: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Id {
    #[prost(message, optional, tag = "1")]
    pub(super) structured: Option<Structured>,
    #[prost(string, optional, tag = "2")]
    pub(super) text: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamIdentifier {
    #[prost(bytes = "vec", tag = "3")]
    pub(super) name: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Place {
    #[prost(uint64, tag = "1")]
    pub(super) commit: u64,
    #[prost(uint64, tag = "2")]
    pub(super) prepare: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadReq {
    #[prost(message, optional, tag = "1")]
    pub(super) options: Option<ReadOptions>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadOptions {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<StreamOptions>,
    #[prost(message, optional, tag = "2")]
    pub(super) all: Option<AllOptions>,
    /// 0 forwards, 1 backwards.
    #[prost(int32, tag = "3")]
    pub(super) direction: i32,
    #[prost(uint64, optional, tag = "5")]
    pub(super) count: Option<u64>,
    #[prost(message, optional, tag = "7")]
    pub(super) filter: Option<FilterOptions>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamOptions {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<StreamIdentifier>,
    #[prost(uint64, optional, tag = "2")]
    pub(super) revision: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AllOptions {
    #[prost(message, optional, tag = "1")]
    pub(super) position: Option<Place>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct FilterOptions {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<Expression>,
    #[prost(uint32, optional, tag = "3")]
    pub(super) max: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Expression {
    #[prost(string, tag = "1")]
    pub(super) regex: String,
    #[prost(string, repeated, tag = "2")]
    pub(super) prefix: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadResp {
    #[prost(message, optional, tag = "1")]
    pub(super) event: Option<ReadEvent>,
    #[prost(message, optional, tag = "4")]
    pub(super) not_found: Option<NotFound>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NotFound {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<StreamIdentifier>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadEvent {
    #[prost(message, optional, tag = "1")]
    pub(super) event: Option<Recorded>,
    #[prost(uint64, optional, tag = "3")]
    pub(super) commit: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Recorded {
    #[prost(message, optional, tag = "1")]
    pub(super) id: Option<Id>,
    #[prost(message, optional, tag = "2")]
    pub(super) stream: Option<StreamIdentifier>,
    #[prost(uint64, tag = "3")]
    pub(super) revision: u64,
    #[prost(uint64, tag = "4")]
    pub(super) prepare: u64,
    #[prost(uint64, tag = "5")]
    pub(super) commit: u64,
    #[prost(map = "string, string", tag = "6")]
    pub(super) metadata: HashMap<String, String>,
    #[prost(bytes = "vec", tag = "7")]
    pub(super) custom: Vec<u8>,
    #[prost(bytes = "vec", tag = "8")]
    pub(super) data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AppendReq {
    #[prost(message, optional, tag = "1")]
    pub(super) options: Option<AppendOptions>,
    #[prost(message, optional, tag = "2")]
    pub(super) proposed: Option<Proposed>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AppendOptions {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<StreamIdentifier>,
    #[prost(uint64, optional, tag = "2")]
    pub(super) revision: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub(super) no_stream: Option<Empty>,
    #[prost(message, optional, tag = "4")]
    pub(super) any: Option<Empty>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Proposed {
    #[prost(message, optional, tag = "1")]
    pub(super) id: Option<Id>,
    #[prost(map = "string, string", tag = "2")]
    pub(super) metadata: HashMap<String, String>,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) custom: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AppendResp {
    #[prost(message, optional, tag = "1")]
    pub(super) success: Option<Success>,
    #[prost(message, optional, tag = "2")]
    pub(super) wrong: Option<Wrong>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Success {
    #[prost(uint64, optional, tag = "1")]
    pub(super) revision: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub(super) position: Option<Place>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Wrong {
    #[prost(uint64, optional, tag = "6")]
    pub(super) current: Option<u64>,
    #[prost(message, optional, tag = "7")]
    pub(super) no_stream: Option<Empty>,
    #[prost(uint64, optional, tag = "8")]
    pub(super) expected: Option<u64>,
    #[prost(message, optional, tag = "11")]
    pub(super) expected_no_stream: Option<Empty>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BatchAppendReq {
    #[prost(message, optional, tag = "1")]
    pub(super) correlation: Option<Id>,
    #[prost(message, optional, tag = "2")]
    pub(super) options: Option<BatchOptions>,
    #[prost(message, repeated, tag = "3")]
    pub(super) proposed: Vec<Proposed>,
    #[prost(bool, tag = "4")]
    pub(super) is_final: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BatchOptions {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<StreamIdentifier>,
    #[prost(uint64, optional, tag = "2")]
    pub(super) position: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub(super) no_stream: Option<Empty>,
    #[prost(message, optional, tag = "4")]
    pub(super) any: Option<Empty>,
    #[prost(message, optional, tag = "7")]
    pub(super) deadline: Option<Span>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Span {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BatchAppendResp {
    #[prost(message, optional, tag = "1")]
    pub(super) correlation: Option<Id>,
    #[prost(message, optional, tag = "2")]
    pub(super) error: Option<RpcStatus>,
    #[prost(message, optional, tag = "3")]
    pub(super) success: Option<Success>,
    #[prost(message, optional, tag = "4")]
    pub(super) stream: Option<StreamIdentifier>,
}

/// `google.rpc.Status`, as the protocol's `status.proto` has it.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SupportedMethod {
    #[prost(string, tag = "1")]
    pub(super) method: String,
    #[prost(string, tag = "2")]
    pub(super) service: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SupportedMethods {
    #[prost(message, repeated, tag = "1")]
    pub(super) methods: Vec<SupportedMethod>,
    #[prost(string, tag = "2")]
    pub(super) version: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ClusterInfo {
    #[prost(message, repeated, tag = "1")]
    pub(super) members: Vec<Member>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Member {
    #[prost(message, optional, tag = "1")]
    pub(super) id: Option<Id>,
    /// 6 follower, 8 leader.
    #[prost(int32, tag = "3")]
    pub(super) state: i32,
    #[prost(bool, tag = "4")]
    pub(super) alive: bool,
    #[prost(message, optional, tag = "5")]
    pub(super) place: Option<EndPoint>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct EndPoint {
    #[prost(string, tag = "1")]
    pub(super) address: String,
    #[prost(uint32, tag = "2")]
    pub(super) port: u32,
}
