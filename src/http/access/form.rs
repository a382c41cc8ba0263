//! Forms of pages: read only if they come from a page of this session.

use super::allowed::{Gate, caller};
use crate::http::problem::{Code, Problem};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::pin::Pin;

/// A form's fields, after its token was checked.
#[derive(Debug)]
pub struct TrustedForm<T>(pub T);

#[derive(Deserialize)]
struct WithToken<T> {
    #[serde(default)]
    form_token: String,
    #[serde(flatten)]
    fields: T,
}

impl<T: DeserializeOwned + 'static> FromRequest for TrustedForm<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let who = caller(request);
        let gate = request.app_data::<web::Data<Gate>>().cloned();
        let form = web::Form::<WithToken<T>>::from_request(request, payload);
        Box::pin(async move {
            let session = who?.session;
            let form = form.await.map_err(|error| Problem::new(Code::BadRequest, "表单无法读取", error))?.into_inner();
            // A caller who shows the key itself needs no token: no browser does that by itself.
            let trusted = match (session, gate) {
                (Some(session), Some(gate)) => gate.sessions.is_form_token(&session, &form.form_token),
                (None, _) => true,
                (_, None) => false,
            };
            if trusted { Ok(Self(form.fields)) } else { Err(Code::FormStale.into()) }
        })
    }
}
