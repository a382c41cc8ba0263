//! Spans of the running service, to a collector on a real socket. The messages are written down here from the published
//! `opentelemetry/proto/collector/trace/v1/trace_service.proto` and what it imports, with the fields that are looked at.

use super::served::{Service, make_key};
use super::trail::{CODE, TRACE, say_what_turns_the_light, spooled, wait_until};
use prost::Message;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use warnlight::domain::envelope::hex;

#[derive(Clone, PartialEq, Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
    #[prost(int64, optional, tag = "3")]
    number: Option<i64>,
}

impl Span {
    fn attribute(&self, key: &str) -> Option<&AnyValue> {
        self.attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()
    }
}

/// Takes what is posted to `/v1/traces`.
struct Collector {
    address: SocketAddr,
    taken: Receiver<Export>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (give, taken) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let give = give.clone();
                std::thread::spawn(move || take(stream.unwrap(), &give));
            }
        });
        Self { address, taken }
    }
}

fn take(stream: TcpStream, give: &Sender<Export>) {
    let mut answers = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            head.push(line.trim_end().to_ascii_lowercase());
        }
        assert_eq!(head[0], "post /v1/traces http/1.1");
        assert!(head.iter().any(|line| line == "content-type: application/x-protobuf"), "{head:?}");
        let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        if give.send(Export::decode(&*body).unwrap()).is_err() {
            return;
        }
        answers
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
    }
}

fn figure(service: &Service, name: &str) -> Option<u64> {
    let text = ureq::get(format!("{}/metrics", service.address)).call().unwrap().body_mut().read_to_string().unwrap();
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[test]
fn a_collector_gets_one_trace_from_the_command_to_its_mails() {
    let collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let key = make_key(data);
    let address = format!("http://{}", collector.address);
    let variables = [("WARNLIGHT__TRACE__OTLP", address.as_str()), ("WARNLIGHT__TRACE__FILTER", "off")];
    let service = Service::start_with(data, &variables, Stdio::inherit());
    let receipt = say_what_turns_the_light(&service, &key);

    // Every step of the trace, by name.
    let mut spans: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    let steps = ["POST /api/v1/commands", "decide and append", "light change", "mail request", "mail attempt"];
    while !steps.iter().all(|step| spans.contains_key(*step)) {
        let export = collector.taken.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("{spans:#?}"));
        for resource in export.resource_spans {
            let name = resource.resource.unwrap().attributes.into_iter().find(|one| one.key == "service.name").unwrap();
            assert_eq!(name.value.unwrap().text.as_deref(), Some("warnlight"));
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                assert!(span.start_time_unix_nano > 0 && span.start_time_unix_nano <= span.end_time_unix_nano);
                for value in span.attributes.iter().filter_map(|one| one.value.as_ref()?.text.as_ref()) {
                    assert!(!value.contains('@'), "nobody's address: {span:?}");
                }
                if hex(&span.trace_id) == TRACE {
                    spans.entry(span.name.clone()).or_default().push(span);
                }
            }
        }
    }
    // Server, internal, client, as the protocol numbers them.
    for (step, kind) in steps.iter().zip([2, 1, 1, 1, 3]) {
        for span in &spans[*step] {
            assert_eq!(span.kind, kind, "{span:?}");
            assert!(span.attribute("warnlight.log.position").unwrap().number.unwrap() > 0, "{span:?}");
        }
    }
    for server in &spans["POST /api/v1/commands"] {
        assert_eq!(hex(&server.parent_span_id), "00f067aa0ba902b7");
    }
    // Each hangs below the one before it.
    for pair in steps.windows(2) {
        for span in &spans[pair[1]] {
            let parents: Vec<_> = spans[pair[0]].iter().filter(|above| above.span_id == span.parent_span_id).collect();
            assert_eq!(parents.len(), 1, "{span:?} below {pair:?}");
        }
    }
    let positions: Vec<_> = spans["decide and append"]
        .iter()
        .map(|span| span.attribute("warnlight.log.position").unwrap().number)
        .collect();
    assert!(positions.contains(&receipt["position"].as_i64()), "{positions:?}");
    let light = &spans["light change"][0];
    assert_eq!(light.attribute("warnlight.merchant.id").unwrap().text.as_deref(), Some(CODE));
    wait_until("the tally", || figure(&service, "warnlight_spans_exported_total ").unwrap() >= 5);
    assert_eq!(figure(&service, "warnlight_spans_dropped_total "), Some(0));
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_collector_that_is_not_there_costs_spans_and_nothing_else() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let key = make_key(data);
    let address = format!("http://{address}");
    let variables = [("WARNLIGHT__TRACE__OTLP", address.as_str()), ("WARNLIGHT__TRACE__FILTER", "off")];
    let service = Service::start_with(data, &variables, Stdio::inherit());
    say_what_turns_the_light(&service, &key);
    wait_until("a mail in the spool", || spooled(folder.path()) > 0);
    wait_until("spans dropped", || figure(&service, "warnlight_spans_dropped_total ").unwrap() > 0);
    assert_eq!(figure(&service, "warnlight_spans_exported_total "), Some(0));
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_collector_that_never_answers_holds_up_neither_commands_nor_the_stop() {
    // Connections are taken by the system and nobody reads them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let key = make_key(data);
    let address = format!("http://{}", silent.local_addr().unwrap());
    let variables = [("WARNLIGHT__TRACE__OTLP", address.as_str()), ("WARNLIGHT__TRACE__FILTER", "off")];
    let service = Service::start_with(data, &variables, Stdio::inherit());
    say_what_turns_the_light(&service, &key);
    wait_until("a mail in the spool", || spooled(folder.path()) > 0);
    assert_eq!(service.stop(), Some(0));
}
