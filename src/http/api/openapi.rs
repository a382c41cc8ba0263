//! The description of the API (OpenAPI 3.1), made from the table of routes and the types that are sent.

use super::cases::{CaseGiven, CasePage};
use super::commands::CommandReceipt;
use super::complaints::{ComplaintPage, FirstAnswer};
use super::exits::{Exits, NewNotice, Notice};
use super::figures::{CountedPage, FigureTable, MonthTable};
use super::hand_over::HandOver;
use super::imports::{ImportList, ImportState};
use super::keys::{KeyInfo, KeyMade, KeyWanted};
use super::lights::LightOf;
use super::mails::{MailList, Ordered, SendAgain};
use super::merchants::{MerchantFile, MerchantPage, Reasons, Timeline};
use super::problems::ProblemKind;
use super::sources::SourceList;
use super::unattributed::UnattributedPage;
use super::withdrawal::{ImportWithdrawal, WithdrawImport};
use crate::http::problem::{Code, ProblemDocument};
use crate::http::routes::{Route, TABLE};
use actix_web::HttpResponse;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

/// Name of the header with a position.
const POSITION: &str = "Warnlight-Position";

#[derive(OpenApi)]
#[openapi(components(schemas(
    CommandReceipt,
    CaseGiven,
    HandOver,
    CasePage,
    ComplaintPage,
    CountedPage,
    Exits,
    FigureTable,
    FirstAnswer,
    ImportList,
    ImportState,
    ImportWithdrawal,
    KeyInfo,
    KeyMade,
    KeyWanted,
    LightOf,
    MailList,
    MerchantFile,
    MerchantPage,
    MonthTable,
    NewNotice,
    Notice,
    Ordered,
    ProblemDocument,
    ProblemKind,
    Reasons,
    SendAgain,
    SourceList,
    Timeline,
    UnattributedPage,
    WithdrawImport
)))]
struct Types;

/// Serves the description.
pub async fn get() -> HttpResponse {
    HttpResponse::Ok().json(document())
}

/// Returns the description.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in TABLE {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.to_ascii_lowercase(), operation(route));
        }
    }
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Warnlight",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Warning lights for prepaid-consumption funds. Amounts are texts in yuan, exact to the fen; \
                instants are RFC 3339; days are those of Asia/Shanghai. A merchant outside the scope of a key does not \
                exist for it.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "A key made by an administrator: wl_…" },
                "session": { "type": "apiKey", "in": "cookie", "name": crate::http::access::SESSION_COOKIE },
            },
            "headers": { "Position": {
                "description": "Position of the log that shows what became of the request.",
                "schema": { "type": "integer", "minimum": 0 },
            } },
            "responses": { "Busy": {
                "description": "Too many questions over all merchants at once (`busy`), or this one took too long (`out_of_time`).",
                "headers": { "Retry-After": {
                    "description": "Seconds after which to try again.", "schema": { "type": "integer", "minimum": 0 },
                } },
                "content": { "application/problem+json": { "schema": reference("ProblemDocument") } },
            }, "Problem": {
                "description": "What went wrong (RFC 9457). Every code is explained below /problems.",
                "content": { "application/problem+json": { "schema": reference("ProblemDocument") } },
            } },
        },
        "x-problem-codes": codes,
    })
}

fn operation(route: &Route) -> Value {
    let mut parameters: Vec<Value> = variables(route.path)
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    parameters.extend(route.query.iter().map(|(name, meaning)| {
        json!({ "name": name, "in": "query", "description": meaning, "schema": { "type": "string" } })
    }));
    if route.method == "POST" && route.path.starts_with("/api/") && !route.path.ends_with("/keys") {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "schema": { "type": "string", "maxLength": 200 },
            "description": "One key stands for one request as it was sent (method, path, body, caller): sent again it gets the whole first answer; another request under it is refused.",
        }));
        parameters.push(json!({
            "name": "traceparent", "in": "header", "schema": { "type": "string" },
            "description": "W3C Trace Context: the events, the light change and the mails that follow carry its trace id. \
                            Without one they get a new one. The answer names it in the header Warnlight-Trace.",
        }));
    }
    if route.body == Some("CloudEvents") {
        parameters.extend(["specversion", "id", "source", "type"].map(|name| {
            json!({ "name": format!("ce-{name}"), "in": "header", "schema": { "type": "string" },
                "description": "Binary mode of the CloudEvents HTTP binding: an attribute of the event." })
        }));
    }
    if route.right.is_some() {
        parameters.push(json!({
            "name": POSITION, "in": "header", "schema": { "type": "integer", "minimum": 0 },
            "description": "As an earlier answer gave it: the answer is given by a node that shows the log up to there. \
                Where several nodes share a log, it makes a client see what it wrote. A node that does not get there in time \
                answers with the problem `behind`.",
        }));
    }
    let mut answer = answer(route);
    if leaves_position(route)
        && let Some(fields) = answer.as_object_mut()
    {
        fields.insert("headers".into(), json!({ (POSITION): { "$ref": "#/components/headers/Position" } }));
    }
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "parameters": parameters,
        "responses": { (success(route)): answer, "default": { "$ref": "#/components/responses/Problem" } },
    });
    if route.is_question()
        && let Some(responses) = operation.pointer_mut("/responses").and_then(Value::as_object_mut)
    {
        responses.insert("503".into(), json!({ "$ref": "#/components/responses/Busy" }));
    }
    if let Some(fields) = operation.as_object_mut() {
        match route.right {
            Some(right) => {
                let roles: Vec<&str> = right.roles.iter().map(|role| role.name()).collect();
                fields.insert("security".into(), json!([{ "key": [] }, { "session": [] }]));
                fields.insert("x-right".into(), json!({ "name": right.name, "roles": roles }));
            }
            None => {
                fields.insert("security".into(), json!([]));
            }
        }
        if let Some(body) = route.body {
            fields.insert("requestBody".into(), request_body(body));
        }
    }
    operation
}

/// Says whether an answer tells the position that shows what became of the request.
fn leaves_position(route: &Route) -> bool {
    route.method != "GET" && route.right.is_some()
}

fn success(route: &Route) -> &'static str {
    match (route.method, route.path, route.answer) {
        (_, _, "nothing") => "204",
        ("POST", "/api/v1/keys", _) => "201",
        ("POST", "/login" | "/logout", _) => "303",
        _ => "200",
    }
}

fn answer(route: &Route) -> Value {
    let description = route.summary;
    match route.answer {
        "nothing" => json!({ "description": description }),
        "OpenApi" => json!({ "description": description, "content": { "application/json": {
            "schema": { "type": "object" } } } }),
        media_type if media_type.contains('/') => {
            json!({ "description": description, "content": { (media_type): {} } })
        }
        schema => json!({ "description": description, "content": { "application/json": {
            "schema": reference(schema) } } }),
    }
}

fn request_body(schema: &str) -> Value {
    let content = match schema {
        "CloudEvents" => json!({
            "application/cloudevents+json": { "schema": reference("CloudEvent") },
            "application/cloudevents-batch+json": {
                "schema": { "type": "array", "items": reference("CloudEvent") } },
            // Binary mode: the attributes are in the headers `ce-…`, the body is the data.
            "application/json": { "schema": { "type": "object" } },
        }),
        "LogIn" | "WelcomeForm" | "AccountForm" | "AdminForm" | "FormToken" | "ReplyForm" | "LinkButton"
        | "SeenForm" | "CaseForm" | "LetterForm" | "MallForm" | "DecisionForm" | "AliasForm" | "SendAgainForm" => {
            json!({ "application/x-www-form-urlencoded": { "schema": reference(schema) } })
        }
        "UploadForm" => json!({ "multipart/form-data": { "schema": reference(schema) } }),
        "File" => json!({
            "application/octet-stream": {},
            "multipart/form-data": { "schema": { "type": "object", "properties": {
                "file": { "type": "string", "contentMediaType": "application/octet-stream" } } } },
        }),
        _ => json!({ "application/json": { "schema": reference(schema) } }),
    };
    json!({ "required": true, "content": content })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// Returns the schemas: those of our types, and those written down in `assets/schemas.json`.
#[expect(
    clippy::expect_used,
    reason = "both are part of the program: a test reads them, and a description without is none"
)]
fn schemas() -> Value {
    let types = serde_json::to_value(Types::openapi()).expect("a description of types is JSON");
    let mut schemas = types.pointer("/components/schemas").cloned().unwrap_or_default();
    let written: Value =
        serde_json::from_str(include_str!("../../../assets/schemas.json")).expect("`assets/schemas.json` is JSON");
    if let (Some(schemas), Value::Object(written)) = (schemas.as_object_mut(), written) {
        schemas.extend(written);
    }
    schemas
}

fn variables(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

/// Names an operation after its method and path: `get_merchants_credit_code_reasons`.
fn operation_id(route: &Route) -> String {
    let path = route.path.trim_start_matches("/api/v1").replace(['{', '}'], "").replace(['/', '-', '.'], "_");
    let path = path.trim_matches('_');
    let path = if path.is_empty() { "board" } else { path };
    let page = if route.path.starts_with("/api/") { "" } else { "_page" };
    format!("{}{page}_{path}", route.method.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference} leads nowhere");
        }
        let names: HashSet<String> = TABLE.iter().map(operation_id).collect();
        assert_eq!(names.len(), TABLE.len());
    }

    #[test]
    fn the_written_schemas_are_json() {
        let written: Value = serde_json::from_str(include_str!("../../../assets/schemas.json")).unwrap();
        assert!(written.as_object().unwrap().len() > 10);
    }
}
