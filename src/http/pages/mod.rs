//! Pages: templates compiled in, drawn on the server, complete without a script.

pub mod account;
pub mod accounts;
pub mod acts;
pub mod admin;
pub mod aliases;
pub mod board;
pub mod case;
pub mod cases;
mod desk;
mod dossier;
pub mod figures;
pub(super) mod filters;
pub mod imports;
pub mod letters;
pub mod link;
pub mod login;
pub mod mails;
pub mod mall;
pub mod merchant;
mod qr;
pub mod replies;
mod sentence;
pub mod shop;
mod short_notice;
pub mod sources;
mod tickets;
pub mod today;
pub mod unattributed;
pub mod withdrawal;

use super::access::{self, Caller, Gate};
use super::assets;
use super::demo;
use super::language::Language;
use super::problem::{Code, FieldProblem, Problem};
use super::texts::{self, Texts};
use crate::domain::words::Role;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use std::sync::Arc;

const TEMPLATES: &[(&str, &str)] = &[
    ("layout.html", include_str!("../../../assets/pages/layout.html")),
    ("resend.html", include_str!("../../../assets/pages/resend.html")),
    ("welcome.html", include_str!("../../../assets/pages/welcome.html")),
    ("account.html", include_str!("../../../assets/pages/account.html")),
    ("admin-nav.html", include_str!("../../../assets/pages/admin-nav.html")),
    ("admin-scope.html", include_str!("../../../assets/pages/admin-scope.html")),
    ("admin.html", include_str!("../../../assets/pages/admin.html")),
    ("admin-users.html", include_str!("../../../assets/pages/admin-users.html")),
    ("admin-keys.html", include_str!("../../../assets/pages/admin-keys.html")),
    ("login.html", include_str!("../../../assets/pages/login.html")),
    ("board.html", include_str!("../../../assets/pages/board.html")),
    ("merchant.html", include_str!("../../../assets/pages/merchant.html")),
    ("mall.html", include_str!("../../../assets/pages/mall.html")),
    ("sheet.html", include_str!("../../../assets/pages/sheet.html")),
    ("today.html", include_str!("../../../assets/pages/today.html")),
    ("cases.html", include_str!("../../../assets/pages/cases.html")),
    ("accounts.html", include_str!("../../../assets/pages/accounts.html")),
    ("tickets.html", include_str!("../../../assets/pages/tickets.html")),
    ("account-rows.html", include_str!("../../../assets/pages/account-rows.html")),
    ("acts.html", include_str!("../../../assets/pages/acts.html")),
    ("figures.html", include_str!("../../../assets/pages/figures.html")),
    ("counted.html", include_str!("../../../assets/pages/counted.html")),
    ("case.html", include_str!("../../../assets/pages/case.html")),
    ("mails.html", include_str!("../../../assets/pages/mails.html")),
    ("sources.html", include_str!("../../../assets/pages/sources.html")),
    ("imports.html", include_str!("../../../assets/pages/imports.html")),
    ("import.html", include_str!("../../../assets/pages/import.html")),
    ("withdrawal.html", include_str!("../../../assets/pages/withdrawal.html")),
    ("desk.html", include_str!("../../../assets/pages/desk.html")),
    ("draft.html", include_str!("../../../assets/pages/draft.html")),
    ("paper.html", include_str!("../../../assets/pages/paper.html")),
    ("link.html", include_str!("../../../assets/pages/link.html")),
    ("letter.html", include_str!("../../../assets/pages/letter.html")),
    ("unattributed.html", include_str!("../../../assets/pages/unattributed.html")),
    ("shop-layout.html", include_str!("../../../assets/pages/shop-layout.html")),
    ("shop-search.html", include_str!("../../../assets/pages/shop-search.html")),
    ("shop.html", include_str!("../../../assets/pages/shop.html")),
    ("shop-mall.html", include_str!("../../../assets/pages/shop-mall.html")),
    ("shop-sign.html", include_str!("../../../assets/pages/shop-sign.html")),
    ("shop-problem.html", include_str!("../../../assets/pages/shop-problem.html")),
    ("problem.html", include_str!("../../../assets/pages/problem.html")),
    ("problems.html", include_str!("../../../assets/pages/problems.html")),
];

/// Why the pages cannot be drawn at all; found at start.
#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    /// A text table is broken.
    #[error("the texts of the pages cannot be read: {0}")]
    Texts(#[from] toml::de::Error),
    /// A template is broken.
    #[error("a page cannot be read: {0}")]
    Template(#[from] minijinja::Error),
}

/// Draws pages.
#[derive(Debug)]
pub struct Pages {
    templates: Environment<'static>,
    zh: Arc<Texts>,
    en: Arc<Texts>,
}

impl Pages {
    /// Reads templates and texts.
    ///
    /// # Errors
    /// See [`PagesError`]; the tests read them.
    pub fn new() -> Result<Self, PagesError> {
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        // A key that is not there is a mistake, not an empty place on the page.
        templates.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        templates.set_formatter(|out, state, value| match value.as_str() {
            // What is not there leaves its place empty.
            _ if value.is_none() => Ok(()),
            Some(text) if !value.is_safe() => out.write_str(&filters::escaped(text)).map_err(minijinja::Error::from),
            _ => minijinja::escape_formatter(out, state, value),
        });
        templates.add_function("mark", filters::mark);
        for (name, text) in TEMPLATES {
            templates.add_template(name, text)?;
        }
        Ok(Self { templates, zh: Arc::new(texts::read(Language::Zh)?), en: Arc::new(texts::read(Language::En)?) })
    }

    /// Returns the texts of a language.
    #[must_use]
    pub const fn texts(&self, language: Language) -> &Arc<Texts> {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }

    /// Returns a text; empty if there is none of that name.
    #[must_use]
    pub fn text(&self, language: Language, section: &str, key: &str) -> &str {
        self.texts(language).get(section).and_then(|texts| texts.get(key)).map_or("", String::as_str)
    }

    /// Returns a text with its places filled.
    #[must_use]
    pub fn filled(&self, language: Language, section: &str, key: &str, places: &[(&str, &str)]) -> String {
        let text = self.text(language, section, key).to_owned();
        places.iter().fold(text, |text, (place, value)| text.replace(&format!("{{{place}}}"), value))
    }

    /// Draws a template to text.
    ///
    /// # Errors
    /// When the template asks for something that is not in the context.
    pub fn draw(&self, template: &str, frame: &Frame<'_>, content: Value) -> Result<String, minijinja::Error> {
        let language = frame.language;
        let user = frame.caller.map(|caller| {
            context! { name => &*caller.key.name, role => caller.key.scope.role.name() }
        });
        let nav: Vec<Value> = frame
            .caller
            .map_or(&[][..], |caller| sections(caller.key.scope.role))
            .iter()
            .map(|(path, key)| context! { path => *path, key => *key })
            .collect();
        let context = context! {
            lang => language.tag(),
            t => Value::from(Serde(&**self.texts(language))),
            assets => context! {
                style => &assets::STYLE.path, shop_style => &assets::SHOP_STYLE.path, script => &assets::SCRIPT.path, icon => &assets::ICON.path,
            },
            user,
            nav,
            section => frame.section,
            home => if frame.caller.is_some() { today::PLACE } else { "/" },
            token => frame.token,
            other_language => other_language(frame.path, frame.query, language),
            is_demonstration => frame.is_demonstration,
            tour => frame.tour,
            here => format!("{}?{}", frame.path, frame.query),
            version => env!("CARGO_PKG_VERSION"),
            ..content
        };
        self.templates.get_template(template)?.render(context)
    }
}

/// What surrounds the content of a page.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Language.
    pub language: Language,
    /// Who is looking; `None` before log-in.
    pub caller: Option<&'a Caller>,
    /// Token for forms.
    pub token: Option<&'a str>,
    /// Path of the navigation entry this page belongs to.
    pub section: &'a str,
    /// Path of this page.
    pub path: &'a str,
    /// Query of this page.
    pub query: &'a str,
    /// Whether this is the demonstration, where a day passes when somebody wants it to.
    pub is_demonstration: bool,
    /// What the tour of the demonstration says here.
    pub tour: Option<&'a Value>,
}

/// Draws the page that answers a request.
///
/// # Errors
/// When the template and its context do not fit, which is ours to mend.
pub(super) fn answer(
    request: &HttpRequest,
    caller: Option<&Caller>,
    template: &str,
    section: &str,
    content: Value,
) -> Result<HttpResponse, Problem> {
    let page = drawn(request, caller, template, section, content)?;
    Ok(HttpResponse::Ok().content_type(ContentType::html()).body(page))
}

/// Draws a page to text.
///
/// # Errors
/// As for [`answer`].
fn drawn(
    request: &HttpRequest,
    caller: Option<&Caller>,
    template: &str,
    section: &str,
    content: Value,
) -> Result<String, Problem> {
    let pages = request.app_data::<web::Data<Pages>>().ok_or(Code::Internal)?;
    let gate = request.app_data::<web::Data<Gate>>().ok_or(Code::Internal)?;
    framed(pages, gate, request, caller, template, section, content).map_err(|error| {
        tracing::error!(template, %error, "A page could not be drawn");
        Problem::from(Code::Internal)
    })
}

/// Draws the page that tells of a problem. Whoever is logged in keeps the way on: the navigation and the log-out.
///
/// # Errors
/// When the template and its context do not fit.
pub(super) fn problem(request: &HttpRequest, problem: &Problem, id: &str) -> Result<String, Problem> {
    let pages = request.app_data::<web::Data<Pages>>().ok_or(Code::Internal)?;
    let language = Language::of(request);
    let document = problem.document(language, id);
    let fields = lines(pages, language, &problem.fields);
    let content = context! { problem => Value::from(Serde(&document)), fields };
    if shop::is_for_everybody(request) {
        return drawn(request, None, "shop-problem.html", "", content);
    }
    let caller = access::caller(request).ok();
    drawn(request, caller.as_ref(), "problem.html", "", content)
}

/// Returns what is wrong with fields as lines: what each is called, and why.
fn lines(pages: &Pages, language: Language, fields: &[FieldProblem]) -> Vec<Value> {
    fields.iter().map(|field| line(pages, language, field, None)).collect()
}

/// Returns what is wrong with a field as a line that leads to an input.
fn line(pages: &Pages, language: Language, field: &FieldProblem, input: Option<&str>) -> Value {
    context! { input, name => field_name(pages, language, &field.field), text => spoken(pages, language, field.message(language)) }
}

/// Returns what a shop is called by its place; one in no mall is a street shop.
fn shop_name(pages: &Pages, language: Language, mall: &str, unit: &str) -> String {
    let mall = match mall {
        "" => pages.text(language, "merchant", "street_shop"),
        mall => mall,
    };
    format!("{mall} {unit}").trim_end().to_owned()
}

/// Returns what is said of a field as people read it: other fields are named as the forms name them, not as the API does.
fn spoken(pages: &Pages, language: Language, said: &str) -> String {
    let parts: Vec<&str> = said.split('`').collect();
    let last = parts.len().saturating_sub(1);
    let told = parts.iter().enumerate().map(|(place, part)| {
        // What stands between two signs; a sign without its other is one of the text.
        if place.is_multiple_of(2) || place == last {
            return (*part).to_owned();
        }
        match (pages.text(language, "field", part), language) {
            ("", _) => format!("`{part}`"),
            (name, Language::Zh) => format!("“{name}”"),
            (name, Language::En) => format!("“{name}”"),
        }
    });
    let joined: String = told.collect();
    if parts.len().is_multiple_of(2) { said.to_owned() } else { joined }
}

/// Returns what a field is called on pages.
fn field_name<'a>(pages: &'a Pages, language: Language, field: &'a str) -> &'a str {
    match pages.text(language, "field", field) {
        "" => field,
        name => name,
    }
}

fn framed(
    pages: &Pages,
    gate: &Gate,
    request: &HttpRequest,
    caller: Option<&Caller>,
    template: &str,
    section: &str,
    content: Value,
) -> Result<String, minijinja::Error> {
    let session = caller.and_then(|caller| caller.session.as_ref());
    let token = session.map(|session| gate.sessions.form_token(session));
    let tour = demo::tour(request, caller.map(|caller| caller.key.scope.role));
    let frame = Frame {
        language: Language::of(request),
        caller,
        token: token.as_deref(),
        section,
        path: request.path(),
        query: request.query_string(),
        is_demonstration: demo::of(request).is_some(),
        tour: tour.as_ref(),
    };
    pages.draw(template, &frame, content)
}

/// Returns a page that shows a form again with what is wrong in it.
fn refused(mut page: HttpResponse) -> HttpResponse {
    *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    page
}

/// Tells a refusal on the page; anything else goes on.
fn told(
    problem: Problem,
    request: &HttpRequest,
    draw: impl FnOnce(Option<String>) -> Result<HttpResponse, Problem>,
) -> Result<HttpResponse, Problem> {
    if problem.code != Code::Refused {
        return Err(problem);
    }
    let said = problem.detail.as_ref().map(|detail| detail.pick(Language::of(request)).to_owned());
    Ok(refused(draw(said)?))
}

/// Returns the sections a role comes to, as path and key of the text.
const fn sections(role: Role) -> &'static [(&'static str, &'static str)] {
    match role {
        Role::Operator => &[
            (today::PLACE, "today"),
            ("/", "board"),
            ("/mall", "mall"),
            ("/imports", "imports"),
            ("/sources", "sources"),
        ],
        Role::Bank => &[
            (today::PLACE, "today"),
            (accounts::PLACE, "accounts"),
            ("/", "board"),
            ("/imports", "imports"),
            ("/sources", "sources"),
        ],
        // Its own page is all there is.
        Role::Merchant => &[(today::PLACE, "desk")],
        Role::Regulator => &[
            (today::PLACE, "today"),
            ("/", "board"),
            ("/cases", "cases"),
            ("/mall", "mall"),
            ("/mails", "mails"),
            ("/figures", "figures"),
            ("/imports", "imports"),
            ("/sources", "sources"),
        ],
        Role::Lead => &[
            (today::PLACE, "today"),
            ("/", "board"),
            ("/cases", "cases"),
            ("/unattributed", "unattributed"),
            ("/mall", "mall"),
            ("/mails", "mails"),
            ("/figures", "figures"),
            ("/imports", "imports"),
            ("/sources", "sources"),
        ],
        Role::Admin => &[
            (today::PLACE, "today"),
            ("/", "board"),
            ("/cases", "cases"),
            ("/unattributed", "unattributed"),
            ("/mall", "mall"),
            ("/mails", "mails"),
            ("/imports", "imports"),
            ("/sources", "sources"),
            (admin::PLACE, "admin"),
        ],
    }
}

fn other_language(path: &str, query: &str, language: Language) -> String {
    let other = match language {
        Language::Zh => Language::En,
        Language::En => Language::Zh,
    };
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("lang=")).collect();
    let choice = format!("lang={}", other.tag());
    pairs.push(&choice);
    format!("{path}?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests;
