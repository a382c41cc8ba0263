//! Spans to an OpenTelemetry collector: OTLP over HTTP, in protobuf, by a thread of its own.
//!
//! The steps of a trail happen in several threads and processes, and their ids come from the log; so spans are made as
//! data, whole, and not by a tracer that follows the stack. The queue is bounded and nobody waits for it: a collector that
//! is slow or dead costs spans, and `/metrics` counts them.

use super::{Kind, Span, Value};
use bytes::Bytes;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Spans that wait at most; some hundred bytes each.
const QUEUE: usize = 8_192;
/// Spans in one request at most.
const BATCH: usize = 512;
/// Longest wait for a batch to fill.
const GATHER: Duration = Duration::from_secs(1);
/// Longest wait for the collector.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest wait for the last spans when the service stops.
const PARTING: Duration = Duration::from_secs(2);

/// One per process, as for log lines.
static QUEUED: OnceLock<Queue> = OnceLock::new();

#[derive(Debug)]
struct Queue {
    inbox: Sender<Message>,
    taken: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug)]
enum Message {
    Span(Box<Span>),
    Stop,
}

/// Why spans cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The exporter does not take the settings.
    #[error("spans cannot be sent to `{endpoint}`: {reason}; correct `trace.otlp`")]
    Exporter {
        /// The address.
        endpoint: String,
        /// Why.
        reason: ExporterBuildError,
    },
    /// No thread could be started.
    #[error("cannot start a thread for spans: {0}")]
    Thread(#[from] io::Error),
    /// They are sent already.
    #[error("spans of this process are sent already; start that once")]
    Twice,
}

/// Sends spans as long as it lives. The last ones get two seconds.
#[derive(Debug)]
pub struct Sending {
    thread: Option<JoinHandle<()>>,
}

/// Starts to send the spans of this process to the collector at `endpoint`, such as `http://127.0.0.1:4318`.
///
/// # Errors
/// See [`StartError`]. A collector that does not answer is no error.
pub fn start(endpoint: &str) -> Result<Sending, StartError> {
    let exporter =
        exporter(endpoint).map_err(|reason| StartError::Exporter { endpoint: endpoint.to_owned(), reason })?;
    let (inbox, spans) = crossbeam_channel::bounded(QUEUE);
    QUEUED.set(Queue { inbox, taken: AtomicU64::new(0), dropped: AtomicU64::new(0) }).map_err(|_| StartError::Twice)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let thread =
        std::thread::Builder::new().name("spans".to_owned()).spawn(move || send(&exporter, &runtime, &spans))?;
    Ok(Sending { thread: Some(thread) })
}

pub(super) fn export(span: impl FnOnce() -> Option<Span>) {
    let Some(queue) = QUEUED.get() else { return };
    let Some(span) = span() else { return };
    match queue.inbox.try_send(Message::Span(Box::new(span))) {
        Ok(()) => {}
        Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
            queue.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

pub(super) fn tally() -> Option<(u64, u64)> {
    let queue = QUEUED.get()?;
    Some((queue.taken.load(Ordering::Relaxed), queue.dropped.load(Ordering::Relaxed)))
}

impl Drop for Sending {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        let deadline = Instant::now() + PARTING;
        let told = QUEUED.get().is_some_and(|queue| queue.inbox.send_deadline(Message::Stop, deadline).is_ok());
        // A thread that waits for a dead collector is left behind: the process ends.
        while told && !thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        if thread.is_finished() {
            let _ = thread.join();
        }
    }
}

/// The thread: gathers spans and sends them, until told to stop.
fn send(exporter: &SpanExporter, runtime: &tokio::runtime::Runtime, spans: &Receiver<Message>) {
    let mut stopping = false;
    let mut failing = false;
    while !stopping {
        let mut batch = Vec::new();
        match spans.recv() {
            Ok(Message::Span(span)) => batch.push(*span),
            Ok(Message::Stop) | Err(_) => return,
        }
        let deadline = Instant::now() + GATHER;
        while batch.len() < BATCH && !stopping {
            match spans.recv_deadline(deadline) {
                Ok(Message::Span(span)) => batch.push(*span),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => stopping = true,
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let sent = runtime.block_on(exporter.export(batch.into_iter().map(data).collect()));
        if let Some(queue) = QUEUED.get() {
            let counter = if sent.is_ok() { &queue.taken } else { &queue.dropped };
            counter.fetch_add(count, Ordering::Relaxed);
        }
        // Once per trouble, not once per batch.
        match sent {
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(%error, "The collector takes no spans; they are dropped and counted");
            }
            Ok(()) if failing => {
                failing = false;
                tracing::info!("The collector takes spans again");
            }
            _ => {}
        }
    }
}

fn exporter(endpoint: &str) -> Result<SpanExporter, ExporterBuildError> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        // What goes to the collector goes straight there.
        .proxy(None)
        .build();
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client(config.new_agent()))
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(PATIENCE)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()?;
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", "warnlight"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            // Tells nodes and their restarts apart.
            KeyValue::new("service.instance.id", Uuid::new_v4().to_string()),
        ])
        .build();
    exporter.set_resource(&resource);
    Ok(exporter)
}

/// Blocking: the thread has nothing else to do meanwhile.
#[derive(Debug)]
struct Client(ureq::Agent);

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(parts, body.to_vec()))?;
        let (parts, mut body) = answer.into_parts();
        Ok(Response::from_parts(parts, body.with_config().limit(64 * 1024).read_to_vec()?.into()))
    }
}

fn data(span: Span) -> SpanData {
    let id = |id: u64| SpanId::from_bytes(id.to_be_bytes());
    let trace = TraceId::from_bytes(span.trace.into_bytes());
    let attributes = span.attributes.into_iter().map(|(key, value)| match value {
        Value::Number(number) => KeyValue::new(key, i64::try_from(number).unwrap_or(i64::MAX)),
        Value::Text(text) => KeyValue::new(key, text.into_owned()),
    });
    SpanData {
        span_context: SpanContext::new(trace, id(span.id), TraceFlags::SAMPLED, false, TraceState::default()),
        parent_span_id: span.parent.map_or(SpanId::INVALID, id),
        parent_span_is_remote: span.kind == Kind::Server && span.parent.is_some(),
        span_kind: match span.kind {
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Internal => SpanKind::Internal,
        },
        name: span.name,
        start_time: span.began,
        end_time: span.ended.max(span.began),
        attributes: attributes.collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: if span.failed { Status::error("") } else { Status::Unset },
        instrumentation_scope: InstrumentationScope::builder("warnlight")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build(),
    }
}
