//! What only the demonstration has: people who are let in by one click, days that pass when somebody wants them to, and a tour of ten
//! stops on the pages themselves.

use super::access::{Allowed, ReadLights, TrustedForm};
use super::problem::{Code, Problem};
use super::site::Site;
use crate::domain::access::Scope;
use crate::domain::words::Role;
use crate::views::board::Filter;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use crossbeam_channel::{Sender, bounded};
use minijinja::{Value, context};
use serde::Deserialize;
use std::time::Duration;

/// Somebody to come in as.
pub struct Guest {
    /// What they do.
    pub role: Role,
    /// What they are called.
    pub name: String,
    /// The key that opens for them: made for this demonstration, gone with its folder.
    pub key: String,
}

/// Whoever wants a day to pass sends a place for word that it did.
pub type Wish = Sender<()>;

/// The demonstration as the pages know it. Everybody who reaches them may come in as anybody: there is nothing real to see.
pub struct Demonstration {
    /// Who can be come in as, in the order they are shown.
    pub guests: Vec<Guest>,
    /// Where wishes for the next day go.
    pub wishes: Sender<Wish>,
}

impl std::fmt::Debug for Demonstration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Demonstration").field("guests", &self.guests.len()).finish_non_exhaustive()
    }
}

/// How long a day may take to pass: midnight looks at every light, then the offices enter what they know.
const PATIENCE: Duration = Duration::from_secs(20);

/// The form of the button that lets a day pass.
#[derive(Debug, Deserialize)]
pub struct NextDay {
    /// The page to come back to.
    #[serde(default)]
    next: String,
}

/// Lets a day pass and shows the page again. Outside the demonstration there is no such thing.
///
/// # Errors
/// When there is no demonstration, the form does not come from a page of this session, or the programme is over.
pub async fn next_day(
    _caller: Allowed<ReadLights>,
    request: HttpRequest,
    form: TrustedForm<NextDay>,
) -> Result<HttpResponse, Problem> {
    let demonstration = of(&request).ok_or(Code::NotFound)?;
    let wishes = demonstration.wishes.clone();
    let waited = web::block(move || {
        let (word, heard) = bounded(1);
        // A day that is over, or a programme, shows on the page itself.
        if wishes.send_timeout(word, PATIENCE).is_ok() {
            let _ = heard.recv_timeout(PATIENCE);
        }
    });
    waited.await.map_err(|error| Problem::inside(Code::Unavailable, error))?;
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, super::pages::login::local(&form.0.next))).finish())
}

/// Returns the demonstration, if this service is one.
pub(super) fn of(request: &HttpRequest) -> Option<&Demonstration> {
    request.app_data::<web::Data<Demonstration>>().map(|data| &***data)
}

/// Where the tour stops.
enum Stop {
    /// At a page.
    Page(&'static str),
    /// At the merchant with the worst light.
    Worst,
}

/// The tour: who looks at what. What is said at each stop is in `assets/i18n`, section `tour`.
const TOUR: [(Role, Stop); 10] = [
    (Role::Lead, Stop::Page("/today")),
    (Role::Lead, Stop::Page("/")),
    (Role::Lead, Stop::Worst),
    (Role::Lead, Stop::Page("/cases")),
    (Role::Lead, Stop::Page("/unattributed")),
    (Role::Operator, Stop::Page("/mall")),
    (Role::Bank, Stop::Page("/today")),
    (Role::Merchant, Stop::Page("/today")),
    (Role::Lead, Stop::Page("/imports")),
    (Role::Lead, Stop::Page("/sources")),
];

/// Returns what the tour says at the page that a request asks for, with the ways back and on; `None` where nobody is on it.
pub(super) fn tour(request: &HttpRequest, role: Option<Role>) -> Option<Value> {
    let named = request.query_string().split('&').find_map(|pair| pair.strip_prefix("tour="));
    let number: usize = named?.parse().ok()?;
    if !(1..=TOUR.len()).contains(&number) {
        return None;
    }
    let stops = |mut numbers: std::ops::Range<usize>| numbers.find_map(|number| stop(request, role, number));
    Some(context! {
        number, of => TOUR.len(), next => stops(number + 1..TOUR.len() + 1),
        previous => (1..number).rev().find_map(|number| stop(request, role, number)),
    })
}

/// Returns where the tour begins; `None` where there is no demonstration.
pub(super) fn tour_start(request: &HttpRequest) -> Option<Value> {
    stop(request, None, 1)
}

/// Returns the way to a stop. Where it is somebody else who looks, the way leads through the log-in with their key.
fn stop(request: &HttpRequest, role: Option<Role>, number: usize) -> Option<Value> {
    let demonstration = of(request)?;
    let (who, at) = TOUR.get(number.checked_sub(1)?)?;
    let guest = demonstration.guests.iter().find(|guest| guest.role == *who)?;
    let path = match at {
        Stop::Page(path) => (*path).to_owned(),
        Stop::Worst => {
            let site = request.app_data::<web::Data<Site>>()?;
            let worst = site.view(&Scope::everything(), |view| {
                view.list(&Filter::default(), 0, 1).rows.first().map(|row| row.credit_code)
            });
            format!("/merchants/{}", worst?)
        }
    };
    let key = (role != Some(*who)).then_some(&*guest.key);
    Some(context! { path => format!("{path}?tour={number}"), key, role => who.name() })
}

/// Returns the people to come in as, for the page.
pub(super) fn guests(request: &HttpRequest) -> Vec<Value> {
    let guests = of(request).map_or(&[][..], |demonstration| &demonstration.guests);
    guests
        .iter()
        .map(|guest| context! { role => guest.role.name(), name => &*guest.name, key => &*guest.key })
        .collect()
}
