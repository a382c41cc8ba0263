//! Every route, in one table: what is registered, what is described and what the tests try from the wrong side are the
//! same list.

use super::access::{Allowed, Permission};
use super::api;
use super::assets;
use super::demo;
use super::pages;
use super::problem::{Code, Problem};
use crate::domain::words::Role;
use actix_web::dev::ResourceDef;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::web::ServiceConfig;
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, ResponseError as _, guard, web};
use std::sync::LazyLock;

/// A right, with the roles that have it.
#[derive(Debug, Clone, Copy)]
pub struct Right {
    /// Name.
    pub name: &'static str,
    /// Roles.
    pub roles: &'static [Role],
}

/// A parameter in the query of a route.
pub type Parameter = (&'static str, &'static str);

/// A route.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Method.
    pub method: &'static str,
    /// Path, its variables in braces.
    pub path: &'static str,
    /// Right needed; `None` is open to everybody.
    pub right: Option<Right>,
    /// One sentence.
    pub summary: &'static str,
    /// Parameters in the query: name and meaning.
    pub query: &'static [Parameter],
    /// Name of the schema of the body.
    pub body: Option<&'static str>,
    /// Name of the schema of the answer, or its media type if it is not JSON.
    pub answer: &'static str,
}

/// A handler whose first argument proves the right `P`.
trait Proves<P> {}

macro_rules! proves {
    ($(($($argument:ident)*))+) => {$(
        impl<P: Permission, $($argument),*> Proves<P> for (Allowed<P>, $($argument),*) {}
    )+};
}

proves! { () (A) (A B) (A B C) (A B C D) (A B C D E) }

/// Returns a handler unchanged if its signature demands the right that the table names; otherwise it does not compile.
fn proving<P, F, Args>(handler: F) -> F
where
    P: Permission,
    F: Handler<Args>,
    Args: Proves<P> + FromRequest,
{
    handler
}

macro_rules! routes {
    ($($method:ident $path:literal $right:ident $handler:path, $summary:literal,
        [$($query:tt)*] $(body $body:literal)? -> $answer:literal;)+) => {
        /// Every route.
        pub const TABLE: &[Route] = &[$(Route {
            method: routes!(@method $method),
            path: $path,
            right: routes!(@right $right),
            summary: $summary,
            query: &[$($query)*],
            body: routes!(@body $($body)?),
            answer: $answer,
        }),+];

        fn register(config: &mut ServiceConfig) {
            $(config.route($path, routes!(@route $method).to(routes!(@handler $right $handler)));)+
        }
    };
    (@method get) => { "GET" };
    (@method post) => { "POST" };
    (@method patch) => { "PATCH" };
    (@method delete) => { "DELETE" };
    (@route get) => { web::route().guard(guard::Any(guard::Get()).or(guard::Head())) };
    (@route $method:ident) => { web::$method() };
    (@right open) => { None };
    (@right $right:ident) => {
        Some(Right { name: super::access::$right::NAME, roles: super::access::$right::ROLES })
    };
    (@handler open $handler:path) => { $handler };
    (@handler $right:ident $handler:path) => { proving::<super::access::$right, _, _>($handler) };
    (@body) => { None };
    (@body $body:literal) => { Some($body) };
}

/// Routes that go over all merchants, and are answered by the threads for that (`http/questions.rs`); the last one when it names an
/// instant.
pub const QUESTIONS: &[&str] = &[
    "/api/v1/merchants",
    "/api/v1/lights",
    "/api/v1/lights/counts",
    "/api/v1/exit-notices",
    "/api/v1/complaints",
    "/api/v1/unattributed",
    "/api/v1/cases",
    "/api/v1/sources",
    "/api/v1/figures",
    "/api/v1/figures/{figure}/counted",
    "/api/v1/months/{month}",
    "/figures",
    "/figures.xlsx",
    "/figures.csv",
    "/figures/{figure}",
    "/months/{month}",
    "/months/{month}/xlsx",
    "/months/{month}/csv",
    "/sources",
    "/",
    "/unattributed",
    "/cases",
    "/mall",
    "/api/v1/merchants/{credit_code}/reasons",
    "/board.xlsx",
    "/board.csv",
    "/today",
    "/accounts",
    "/shop",
    "/shop/mall",
];

impl Route {
    /// Says whether its answer goes over all merchants.
    #[must_use]
    pub fn is_question(&self) -> bool {
        self.method == "GET" && QUESTIONS.contains(&self.path)
    }
}

const PAGE: Parameter = ("page", "page, from 1");
const PER_PAGE: Parameter = ("per_page", "items on a page, 1 to 500, else 50");
const QUERY: Parameter = (
    "q",
    "words that all stand in name, brand, credit code, representative, street, mall or unit, or are initials in pinyin",
);
const STREET: Parameter = ("street", "street, as in the register");
const SORT: Parameter = (
    "sort",
    "column to order by: light, merchant, sector, place, at_risk, shortfall or since; with `-` before it in reverse",
);
const AS_OF: Parameter = ("at", "day at whose end things are shown");
const KNOWN: Parameter = ("known", "day at whose end they were known");
const COLS: Parameter = ("cols", "a column to be shown; once for each");
const LIGHT: Parameter = ("light", "red, orange, yellow, unknown or green");
const SECTOR: Parameter = ("sector", "sector id, or `undetermined`");
const DIVISION: Parameter = ("division", "division code, or its first digits");
const MALL: Parameter = ("mall", "mall with a shop of the merchant");
const ENDED: Parameter = ("ended", "`true`: also those that ended");
const LATE: Parameter = ("late", "`true`: with a late duty only");
const UNDETERMINED: Parameter =
    ("undetermined", "`true`: of merchants whose sector is to be decided only (`assign_sector`)");
const MINE: Parameter = ("mine", "`true`: those that the caller has");
const FROM: Parameter = ("from", "first day; the first of the month if absent");
const TO: Parameter = ("to", "the day after the last; tomorrow if absent");
const KNOWN_ON: Parameter = ("known_on", "day at whose end things were known; now if absent");
const MONTH: Parameter = ("month", "a month such as 2025-10 instead of days, as it was frozen");
const BY: Parameter = ("by", "whole, division, sector or street");
const IN_DIVISION: Parameter = ("division", "division code of a street");
const NAME: Parameter = ("name", "division code, sector id or street; empty for those of which it is not known");
const WAIT: Parameter = ("wait", "seconds to wait for what becomes of it, 0 to 60");
const LIMIT: Parameter = ("limit", "items at most, 1 to 500");

routes! {
    post "/api/v1/commands" Record api::commands::post,
        "Records what happened: one command, or an array of them with a receipt for each",
        [] body "Commands" -> "CommandReceipts";
    post "/api/v1/cloudevents" Record api::commands::cloud_events,
        "Records what happened, told as CloudEvents of the type cn.warnlight.command.<command>: one, a batch, or one in binary mode (`ce-*` headers)",
        [] body "CloudEvents" -> "CommandReceipts";
    get "/api/v1/merchants" ReadLights api::merchants::list,
        "Merchants in scope, worst light first, then by money at risk",
        [QUERY, LIGHT, SECTOR, DIVISION, MALL, PAGE, PER_PAGE] -> "MerchantPage";
    get "/api/v1/merchants/{credit_code}" ReadLights api::merchants::get,
        "A merchant's file", [] -> "MerchantFile";
    get "/api/v1/merchants/{credit_code}/reasons" ReadLights api::merchants::reasons,
        "A merchant's light derived with everything it rests on, now or as of any instant",
        [("at", "instant the light is asked for"), ("known_at", "nothing recorded after this instant is known")]
        -> "Reasons";
    get "/api/v1/merchants/{credit_code}/timeline" ReadLights api::merchants::timeline,
        "What was recorded about a merchant, newest first", [LIMIT] -> "Timeline";
    get "/api/v1/lights" ReadLights api::lights::list,
        "The lights of all merchants in scope, by credit code, as last recorded or as of an instant",
        [("at", "instant the lights are asked for")] -> "Lights";
    get "/api/v1/lights/counts" ReadLights api::lights::counts,
        "How many merchants have which light", [QUERY, SECTOR, DIVISION, MALL] -> "Counts";
    get "/api/v1/exit-notices" ReadExits api::exits::list,
        "Standing exit notices and closed shops", [("mall", "one mall only")] -> "Exits";
    post "/api/v1/exit-notices" PostExits api::exits::post,
        "Posts an exit notice", [] body "NewNotice" -> "CommandReceipt";
    patch "/api/v1/exit-notices/{credit_code}" PostExits api::exits::amend,
        "Amends the standing exit notice of a shop", [] body "Notice" -> "CommandReceipt";
    post "/api/v1/exit-notices/{credit_code}/withdraw" PostExits api::exits::withdraw,
        "Withdraws the standing exit notice of a shop", [] body "Notice" -> "CommandReceipt";
    get "/api/v1/complaints" ReadComplaints api::complaints::list,
        "Complaints in scope, newest first",
        [("credit_code", "about one merchant only"), ("open", "true: not closed, false: closed"),
         ("late", "true: those whose clock ran out, the earliest due first"), PAGE, PER_PAGE]
        -> "ComplaintPage";
    post "/api/v1/complaints" HandleComplaints api::complaints::post,
        "Records a ticket as it stands", [] body "RecordComplaint" -> "CommandReceipt";
    post "/api/v1/complaints/{ticket}/answer" HandleComplaints api::complaints::answer,
        "Records the first answer to a complaint", [] body "FirstAnswer" -> "CommandReceipt";
    get "/api/v1/figures" ReadFigures api::figures::get,
        "Figures of a period by district, sector and street; docs/FIGURES.md has the formulas", [FROM, TO, KNOWN_ON, MONTH] -> "FigureTable";
    get "/api/v1/figures/{figure}/counted" ReadFigures api::figures::counted,
        "What a figure counts, each with the event that tells of it", [FROM, TO, KNOWN_ON, MONTH, BY, IN_DIVISION, NAME, PAGE, PER_PAGE] -> "CountedPage";
    get "/api/v1/months/{month}" ReadFigures api::figures::month,
        "The table of a month, frozen, and beside it what would be different by what is known now", [] -> "MonthTable";
    get "/api/v1/unattributed" ReadUnattributed api::unattributed::list,
        "Tickets without a credit code, newest first, with the merchants they may mean; `decide_unattributed` is the command that decides",
        [("decided", "true: also those attributed or set aside"), ("q", "part of what they say of the shop"), PAGE, PER_PAGE]
        -> "UnattributedPage";
    get "/api/v1/cases" ReadCases api::cases::list,
        "Cases in scope, the soonest due first: what somebody has to do about lights, by when",
        [ENDED, LATE, UNDETERMINED, MINE, ("credit_code", "about one merchant only"), PAGE, PER_PAGE] -> "CasePage";
    post "/api/v1/cases/hand-over" HandleCases api::hand_over::post,
        "Hands over every open case in scope that somebody has, 500 at most, with a receipt for each", [] body "HandOver" -> "CommandReceipts";
    get "/api/v1/cases/{alert}" ReadCases api::cases::get, "One case", [] -> "CaseGiven";
    post "/api/v1/imports" Import api::imports::post,
        "Takes a file: the body itself with its name as a parameter, or a form with one file. Answered when it was taken (200), or after a while with how far it has come (202)",
        [("name", "name of the file; its ending and words in it help to tell what it is"), ("preview", "true: try it on and write nothing; `confirm` then takes it"),
            ("history", "true: it counts as history and nobody is mailed"), WAIT] body "File" -> "ImportState";
    get "/api/v1/imports" Import api::imports::list,
        "Files handed in at this node, newest first: one's own, or all for whom nothing is out of scope",
        [("before", "older than the import of this id"), LIMIT] -> "ImportList";
    get "/api/v1/imports/{id}" Import api::imports::get, "What became of a file, or how far it has come", [WAIT] -> "ImportState";
    post "/api/v1/imports/{id}/confirm" Import api::imports::confirm,
        "Takes a file that was tried on, within an hour and with the key that handed it in", [WAIT] -> "ImportState";
    get "/api/v1/imports/{id}/withdrawal" Import api::withdrawal::get,
        "What withdrawing an import would change, or when and why it was withdrawn", [] -> "ImportWithdrawal";
    post "/api/v1/imports/{id}/withdraw" Import api::withdrawal::post,
        "Withdraws an import as a whole: what it recorded counts no longer, and what it had replaced stands again. One's own, or any in scope for the lead office and administrators. Again it changes nothing",
        [] body "WithdrawImport" -> "ImportWithdrawal";
    get "/api/v1/imports/{id}/papers/{name}" Import api::imports::paper,
        "One of an import's papers: the receipts, or refused rows to be mended and sent in again", [] -> "text/csv";
    get "/api/v1/feedback" ReadComplaints api::feedback::get,
        "What was done about the tickets of a hotline in scope, as a file under its own headers, to be sent back to it",
        [("profile", "profile of the source, such as hotline-12345"), ("since", "first day of recording; else from the beginning"), ("form", "xlsx or csv, else xlsx")]
        -> "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    get "/api/v1/sources" ReadSources api::sources::list,
        "Banks, malls, hotlines and sheets in scope: when each last delivered, its usual rhythm, and since when it is silent",
        [] -> "SourceList";
    get "/api/v1/mails" ReadMails api::mails::list,
        "Mails about merchants in scope with the fate of each recipient, newest first",
        [("credit_code", "about one merchant only"), ("state", "with a recipient in this state, or `nobody`: addressed to nobody"), ("before", "asked for before this position"), LIMIT] -> "MailList";
    post "/api/v1/mails/{mail}/send-again" SendMails api::mails::send_again,
        "Orders to send a mail again to a recipient for whom it was refused or given up", [] body "SendAgain" -> "Ordered";
    get "/api/v1/events" ReadLog api::events::list,
        "The event log in order, as a batch of CloudEvents; the Link header leads on",
        [("after", "events after this position"), LIMIT] -> "application/cloudevents-batch+json";
    get "/api/v1/live" ReadLights api::live::follow,
        "Light changes in scope as they happen; Last-Event-ID goes on after a break", [] -> "text/event-stream";
    get "/api/v1/keys" ManageKeys api::keys::list, "All keys", [] -> "Keys";
    post "/api/v1/keys" ManageKeys api::keys::create,
        "Makes a key; it is shown this once", [] body "KeyWanted" -> "KeyMade";
    delete "/api/v1/keys/{id}" ManageKeys api::keys::revoke,
        "Revokes a key", [("reason", "shown in the record")] -> "nothing";
    get "/api/openapi.json" open api::openapi::get, "This description", [] -> "OpenApi";
    get "/events/{name}" open api::events::schema,
        "The JSON Schema of an event type", [] -> "application/schema+json";
    get "/problems" open api::problems::list, "Every kind of problem", [] -> "ProblemKinds";
    get "/problems/{code}" open api::problems::get, "One kind of problem", [] -> "ProblemKinds";
    get "/healthz" open api::health::alive, "Whether the process answers", [] -> "text/plain";
    get "/readyz" open api::health::ready, "Whether lights are up to date, this node keeps up with the log, and mail moves", [] -> "text/plain";
    get "/metrics" open api::health::metrics, "Figures for Prometheus; from elsewhere than the machine itself an administrator's key is needed, unless `http.metrics` is open", [] -> "text/plain";
    get "/assets/{name}" open assets::get, "Style, script and icon of the pages", [] -> "text/css";
    get "/shop" open pages::shop::search, "What everybody may look up: shops by name, mall or code; there is none where the settings publish nothing",
        [("q", "words of name, brand, mall or unit, or a whole credit code")] -> "text/html";
    get "/shop/mall" open pages::shop::mall, "The notice board of a mall", [("name", "mall")] -> "text/html";
    get "/shop/{credit_code}" open pages::shop::show, "A shop as everybody may know it", [] -> "text/html";
    get "/shop/{credit_code}/sign" open pages::shop::sign, "A sign for a shop's door, with the QR code of its page", [] -> "text/html";
    get "/login" open pages::login::form, "The log-in page", [("next", "where to go then")] -> "text/html";
    post "/login" open pages::login::log_in, "Begins a session", [] body "LogIn" -> "text/html";
    get "/welcome" open pages::account::welcome, "The form of a person's first password", [("token", "text of the link, which counts once")] -> "text/html";
    post "/welcome" open pages::account::set_first, "Sets a person's first password", [] body "WelcomeForm" -> "text/html";
    get "/m/{token}" open pages::link::show, "What the link in a mail leads to: how the case stands, and a button to acknowledge it; needs no key", [] -> "text/html";
    post "/m/{token}" open pages::link::acknowledge, "Acknowledges a mail by its link, and the case it is about; needs no key", [] body "LinkButton" -> "text/html";
    post "/logout" open pages::login::log_out, "Ends the session", [] body "FormToken" -> "text/html";
    post "/demo/day" ReadLights demo::next_day, "Lets a day of the demonstration pass; a service that is none has no such page", [] body "FormToken" -> "text/html";
    get "/account" ReadLights pages::account::show, "The caller's own account: password and authenticator", [] -> "text/html";
    post "/account" ReadLights pages::account::post, "Changes the caller's own account", [] body "AccountForm" -> "text/html";
    get "/admin" Administer pages::admin::show, "What is in force, and who did what", [("before", "events before this position")] -> "text/html";
    get "/admin/users" Administer pages::admin::users, "People who have accounts", [] -> "text/html";
    post "/admin/users" Administer pages::admin::change_user, "Adds a person, gives another role, makes a new link, or takes an account away", [] body "AdminForm" -> "text/html";
    get "/admin/keys" Administer pages::admin::keys, "Keys of machines", [] -> "text/html";
    post "/admin/keys" Administer pages::admin::change_key, "Makes a key, or revokes one", [] body "AdminForm" -> "text/html";
    get "/today" ReadLights pages::today::show, "What is to be done by whom and by when, what changed, what is late, whose word is missing", [] -> "text/html";
    post "/today" ReadLights pages::today::look, "Notes up to which change somebody has seen everything", [] body "SeenForm" -> "text/html";
    get "/" ReadLights pages::board::show, "The light board",
        [QUERY, LIGHT, SECTOR, DIVISION, MALL, STREET, SORT, AS_OF, KNOWN, COLS, ("grid", "`true`: with the grid of streets and sectors"), PAGE] -> "text/html";
    get "/board.xlsx" ReadLights pages::board::export::xlsx, "The board as a workbook: the merchants and columns that the page shows, all of them",
        [QUERY, LIGHT, SECTOR, DIVISION, MALL, STREET, SORT, AS_OF, KNOWN, COLS] -> "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    get "/board.csv" ReadLights pages::board::export::csv, "The same as CSV",
        [QUERY, LIGHT, SECTOR, DIVISION, MALL, STREET, SORT, AS_OF, KNOWN, COLS] -> "text/csv";
    get "/merchants/{credit_code}" ReadLights pages::merchant::show, "A merchant's page",
        [("by", "`recorded`: the timeline by when it was recorded"), ("steps", "`all`: not only the newest"), AS_OF, KNOWN] -> "text/html";
    get "/merchants/{credit_code}/drafts/{kind}" IssueLetters pages::letters::draft, "A letter drawn up from the office's wording and the light", [] -> "text/html";
    post "/merchants/{credit_code}/drafts/{kind}" IssueLetters pages::letters::post, "Issues a letter, or writes its text anew",
        [] body "LetterForm" -> "text/html";
    get "/merchants/{credit_code}/letters/{letter}" ReadLetters pages::letters::show, "A letter that was issued, to be printed", [] -> "text/html";
    get "/merchants/{credit_code}/letters/{letter}/docx" ReadLetters pages::letters::file, "A letter that was issued, as a file",
        [] -> "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    get "/merchants/{credit_code}/acts" Record pages::acts::show, "What can be recorded about a merchant, and the form for it",
        [("act", "which form; fields of the form named beside it are filled in beforehand"), ("case", "case that it is opened from"),
            ("said", "what became of a form")] -> "text/html";
    post "/merchants/{credit_code}/acts" Record pages::acts::post, "Records an act about a merchant", [] body "ActForm" -> "text/html";
    get "/mall" ReadExits pages::mall::show, "Exit notices",
        [("q", "part of the name, the credit code or the unit"), ("in", "one mall only"), PAGE] -> "text/html";
    post "/mall" PostExits pages::mall::post, "Posts, amends or withdraws an exit notice", [] body "MallForm" -> "text/html";
    get "/mall/sheet" ReadExits pages::mall::sheet, "A printable exit notice",
        [("credit_code", "tenant"), ("mall", "mall"), ("unit", "unit")] -> "text/html";
    get "/imports" Import pages::imports::list, "Files handed in, and the form to hand in more", [] -> "text/html";
    post "/imports" Import pages::imports::post, "Takes files to be tried on", [] body "UploadForm" -> "text/html";
    get "/imports/{id}" Import pages::imports::show, "What a file would change, how far it has come, or what became of it", [] -> "text/html";
    post "/imports/{id}" Import pages::imports::confirm, "Has a file taken that was tried on", [] body "FormToken" -> "text/html";
    get "/imports/{id}/withdraw" Import pages::withdrawal::show, "What withdrawing an import would change", [] -> "text/html";
    post "/imports/{id}/withdraw" Import pages::withdrawal::post, "Withdraws an import", [] body "WithdrawalForm" -> "text/html";
    get "/cases" ReadCases pages::cases::list, "Cases, the soonest due first", [ENDED, LATE, UNDETERMINED, MINE, PAGE, ("changed", "how many cases a form changed"), ("of", "of how many")] -> "text/html";
    post "/cases" HandleCases pages::cases::post, "Does the same with several cases, or hands over all that somebody has", [] body "CasesForm" -> "text/html";
    get "/cases/{alert}" ReadCases pages::case::show, "One case, with what can be done with it", [] -> "text/html";
    post "/cases/{alert}" HandleCases pages::case::post, "Does something with a case", [] body "CaseForm" -> "text/html";
    get "/figures" ReadFigures pages::figures::show, "Figures of a period", [FROM, TO, KNOWN_ON] -> "text/html";
    get "/figures.xlsx" ReadFigures pages::figures::export::xlsx, "The same as a workbook", [FROM, TO, KNOWN_ON]
        -> "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    get "/figures.csv" ReadFigures pages::figures::export::csv, "The same as CSV", [FROM, TO, KNOWN_ON] -> "text/csv";
    get "/figures/{figure}" ReadFigures pages::figures::counted::show, "What a figure counts",
        [FROM, TO, KNOWN_ON, MONTH, BY, IN_DIVISION, NAME, PAGE] -> "text/html";
    get "/months" ReadFigures pages::figures::month::newest, "Leads to the table of the last month", [] -> "text/html";
    get "/months/{month}" ReadFigures pages::figures::month::show, "The table of a month, to be read and printed", [] -> "text/html";
    get "/months/{month}/xlsx" ReadFigures pages::figures::export::month_xlsx, "The table of a month as a workbook: the same bytes whenever it is asked for",
        [] -> "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    get "/months/{month}/csv" ReadFigures pages::figures::export::month_csv, "The same as CSV", [] -> "text/csv";
    get "/accounts" ReadAccounts pages::accounts::show, "A bank's accounts: what it last reported of each, and by when the next report is due",
        [("q", "part of the name or the credit code"), ("late", "`true`: those whose report is late only"), PAGE] -> "text/html";
    get "/sources" ReadSources pages::sources::show, "Who delivers, and who has fallen silent", [] -> "text/html";
    get "/unattributed" ReadUnattributed pages::unattributed::show, "Tickets without a credit code, to be decided",
        [("q", "part of what they say of the shop, or of the number"), ("decided", "true: also those attributed or set aside"), PAGE,
            ("row", "which ticket of the page is worked at, from 0"), ("last", "the ticket that was decided last, to be told")] -> "text/html";
    post "/unattributed" DecideTickets pages::unattributed::post, "Attributes a ticket, sets it aside, or takes that back",
        [] body "DecisionForm" -> "text/html";
    post "/merchants/{code}/replies" HandleComplaints pages::replies::post, "Answers a ticket of a merchant",
        [] body "ReplyForm" -> "text/html";
    post "/aliases" DecideTickets pages::aliases::post, "Records or withdraws another name of a merchant",
        [] body "AliasForm" -> "text/html";
    get "/mails" ReadMails pages::mails::show, "The mail record", [("before", "older ones")] -> "text/html";
    get "/mails/{mail}" ReadMails pages::mails::letter,
        "A mail as one recipient gets it", [("to", "the recipient's address")] -> "text/html";
    post "/mails/{mail}" SendMails pages::mails::send_again, "Sends a mail again", [] body "SendAgainForm" -> "text/html";
}

/// Registers every route, and an answer for everything else.
pub(super) fn configure(config: &mut ServiceConfig) {
    register(config);
    config.default_service(web::to(elsewhere));
}

/// The pattern and the method of every route, compiled once.
static PATTERNS: LazyLock<Vec<(ResourceDef, &'static str)>> =
    LazyLock::new(|| TABLE.iter().map(|route| (ResourceDef::new(route.path), route.method)).collect());

/// Answers what no route takes: the path is unknown, or known under other methods.
async fn elsewhere(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let fits = |(pattern, _): &&(ResourceDef, &str)| pattern.is_match(request.path());
    let methods: Vec<&str> = PATTERNS.iter().filter(fits).map(|(_, method)| *method).collect();
    if methods.is_empty() {
        return Err(Code::NotFound.into());
    }
    let mut answer = Problem::from(Code::MethodNotAllowed).error_response();
    if let Ok(value) = HeaderValue::from_str(&methods.join(", ")) {
        answer.headers_mut().insert(ALLOW, value);
    }
    Ok(answer)
}
