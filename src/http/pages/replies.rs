//! The form by which an office answers a ticket (回复): on the merchant's page, beside the ticket. What is written goes back to the hotline.

use crate::domain::code::CreditCode;
use crate::domain::words::Channel;
use crate::http::access::{Allowed, HandleComplaints, TrustedForm};
use crate::http::api::commands::execute_one;
use crate::http::api::complaints::{FirstAnswer, answered};
use crate::http::api::filled;
use crate::http::problem::{Code, FieldProblem, Problem};
use crate::http::site::Site;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

/// An answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ReplyForm {
    ticket: String,
    channel: String,
    reply: String,
}

/// Takes an answer.
///
/// # Errors
/// When the form is not ours, there is no such ticket of the merchant in scope, nothing was written, or the log did not take it.
pub async fn post(
    allowed: Allowed<HandleComplaints>,
    site: web::Data<Site>,
    request: HttpRequest,
    code: web::Path<String>,
    form: TrustedForm<ReplyForm>,
) -> Result<HttpResponse, Problem> {
    let TrustedForm(form) = form;
    let code: CreditCode = code.parse().map_err(|_| Code::NotFound)?;
    let channel: Channel = form.channel.parse().map_err(|_| Code::NotFound)?;
    let Some(reply) = filled(Some(&form.reply)) else {
        let fields = vec![FieldProblem::new("reply", "missing", "", "须填写回复内容", "write what is answered")];
        return Err(Problem { code: Code::Refused, detail: None, fields });
    };
    let said = FirstAnswer { answered_at: None, channel: Some(channel), reply: Some(reply) };
    let command = answered(&site, allowed.scope(), &form.ticket, Some(code), said)?;
    execute_one(&site, &request, allowed.caller(), allowed.origin(), command, None).await?;
    // Reloading the page after this sends nothing again.
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, format!("/merchants/{code}#complaints"))).finish())
}
