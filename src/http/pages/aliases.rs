//! Forms by which another name of a merchant (别名) is recorded or withdrawn: on the page of tickets without a credit code, and on the
//! merchant's own.

use super::Pages;
use super::unattributed::{Asked, DecisionForm, draw, wrong};
use crate::domain::code::CreditCode;
use crate::domain::command::Command;
use crate::domain::event::MerchantAlias;
use crate::http::access::{Allowed, DecideTickets, TrustedForm};
use crate::http::api::commands::execute_one;
use crate::http::api::filled;
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

/// A form about another name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct AliasForm {
    credit_code: String,
    alias: String,
    mall: String,
    street: String,
    reason: String,
    /// `true`: it is withdrawn.
    withdraw: String,
    /// `merchant`: the reader came from the merchant's page.
    back: String,
}

/// Takes a form.
///
/// # Errors
/// When the form is not ours or the log did not take it. A refusal is shown on the page of tickets without a credit code.
pub async fn post(
    allowed: Allowed<DecideTickets>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    form: TrustedForm<AliasForm>,
) -> Result<HttpResponse, Problem> {
    let TrustedForm(form) = form;
    let code: Result<CreditCode, _> = form.credit_code.trim().parse();
    let recorded = match code {
        Ok(code) => {
            let command = command(&form, code);
            execute_one(&site, &request, allowed.caller(), allowed.origin(), command, None).await.map(|_| code)
        }
        Err(error) => {
            let fields = wrong("credit_code", &form.credit_code, error);
            Err(Problem { code: Code::Refused, detail: None, fields })
        }
    };
    match recorded {
        Ok(code) => {
            let to = if form.back == "merchant" { format!("/merchants/{code}") } else { "/unattributed".to_owned() };
            // Reloading the page after this sends nothing again.
            Ok(HttpResponse::SeeOther().insert_header((LOCATION, to)).finish())
        }
        Err(problem) if matches!(problem.code, Code::Refused | Code::OutOfScope) => {
            let asked = Asked::default();
            Ok(super::refused(
                draw(&site, &pages, &request, allowed.caller(), asked, &problem.fields, &DecisionForm::default())
                    .await?,
            ))
        }
        Err(problem) => Err(problem),
    }
}

fn command(form: &AliasForm, credit_code: CreditCode) -> Command {
    let text = |text: &String| filled(Some(text));
    let row = MerchantAlias {
        credit_code,
        alias: form.alias.clone(),
        mall: text(&form.mall),
        street: text(&form.street),
        reason: text(&form.reason),
    };
    if form.withdraw == "true" { Command::WithdrawAlias(row) } else { Command::RecordAlias(row) }
}
