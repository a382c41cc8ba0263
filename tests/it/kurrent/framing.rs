//! gRPC on HTTP/2: messages in frames, and a status at the end.

use bytes::{Buf, Bytes, BytesMut};
use h2::SendStream;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use prost::Message;

/// A status that stands for the whole answer.
pub(super) struct Status {
    pub(super) code: u32,
    pub(super) message: &'static str,
    pub(super) extra: Vec<(&'static str, String)>,
}

impl Status {
    pub(super) fn new(code: u32, message: &'static str) -> Self {
        Self { code, message, extra: Vec::new() }
    }

    /// Source: ASP.NET Core's gRPC, with the `MaxReceiveMessageSize` that `ClusterVNodeStartup.cs` sets: 16 MiB less 10,000.
    pub(super) fn message_too_large() -> Self {
        Self::new(8, "Received message exceeds the maximum configured message size.")
    }
}

/// Splits a body into messages: a flag byte, four bytes of length, the message.
pub(super) fn frames(mut body: Bytes) -> Vec<Bytes> {
    let mut frames = Vec::new();
    while body.remaining() >= 5 {
        assert_eq!(body.get_u8(), 0, "a compressed message");
        let length = body.get_u32() as usize;
        frames.push(body.split_to(length));
    }
    frames
}

/// Takes the first message out of what has come, if it is whole.
pub(super) fn take_frame(received: &mut BytesMut) -> Option<Bytes> {
    let mut head = received.get(..5)?;
    assert_eq!(head.get_u8(), 0, "a compressed message");
    let length = head.get_u32() as usize;
    if received.len() < 5 + length {
        return None;
    }
    received.advance(5);
    Some(received.split_to(length).freeze())
}

pub(super) fn frame(message: &impl Message) -> Bytes {
    let body = message.encode_to_vec();
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(&body);
    frame.into()
}

pub(super) fn head() -> Response<()> {
    Response::builder().header("content-type", "application/grpc").body(()).unwrap()
}

pub(super) fn done() -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))])
}

pub(super) fn reply<M: Message>(
    mut answer: SendStream<Bytes>,
    messages: impl IntoIterator<Item = M>,
) -> Result<(), h2::Error> {
    for message in messages {
        answer.send_data(frame(&message), false)?;
    }
    answer.send_trailers(done())
}

pub(super) fn refuse(mut answer: SendStream<Bytes>, status: &Status) -> Result<(), h2::Error> {
    let mut trailers = HeaderMap::new();
    let message = status.message.replace(' ', "%20");
    for (name, value) in [("grpc-status", status.code.to_string()), ("grpc-message", message)] {
        trailers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
    }
    for (name, value) in &status.extra {
        trailers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    answer.send_trailers(trailers)
}
