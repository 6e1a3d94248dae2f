//! A receiver of OTLP over HTTP that keeps what it gets.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Kept {
    batches: Vec<ExportTraceServiceRequest>,
    authorizations: Vec<String>,
    paths: Vec<String>,
}

pub(crate) struct Receiver {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let kept = Arc::new(Mutex::new(Kept::default()));
        let keeping = Arc::clone(&kept);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let keeping = Arc::clone(&keeping);
                std::thread::spawn(move || serve(stream, &keeping));
            }
        });
        Self { address, kept }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let kept = self.kept.lock().expect("kept");
        let scopes = kept.batches.iter().flat_map(|batch| &batch.resource_spans).flat_map(|spans| &spans.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    pub(crate) fn resource(&self) -> BTreeMap<String, String> {
        let kept = self.kept.lock().expect("kept");
        let resources = kept.batches.iter().flat_map(|batch| &batch.resource_spans);
        let attributes = resources.filter_map(|spans| spans.resource.clone()).flat_map(|resource| resource.attributes);
        attributes.filter_map(|pair| Some((pair.key.clone(), text(&pair)?))).collect()
    }

    pub(crate) fn attribute(&self, span: &Span, name: &str) -> Option<String> {
        span.attributes.iter().find(|pair| pair.key == name).and_then(text)
    }

    pub(crate) fn authorizations(&self) -> Vec<String> {
        self.kept.lock().expect("kept").authorizations.clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.kept.lock().expect("kept").paths.clone()
    }
}

fn text(pair: &KeyValue) -> Option<String> {
    match pair.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        other => Some(format!("{other:?}")),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Requests of one connection, one after the other.
fn serve(stream: TcpStream, kept: &Mutex<Kept>) {
    let mut answers = stream.try_clone().expect("a stream");
    let mut requests = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if requests.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let (mut length, mut authorization) = (0, None);
        loop {
            let mut header = String::new();
            requests.read_line(&mut header).expect("a header");
            let Some((name, value)) = header.trim().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().expect("a length"),
                "authorization" => authorization = Some(value.to_owned()),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        requests.read_exact(&mut body).expect("a body");
        let mut kept = kept.lock().expect("kept");
        kept.batches.push(ExportTraceServiceRequest::decode(body.as_slice()).expect("OTLP"));
        kept.authorizations.extend(authorization);
        kept.paths.push(path);
        answers.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("an answer");
    }
}
