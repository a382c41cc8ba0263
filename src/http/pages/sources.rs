//! Who delivers, and who has fallen silent.

use super::filters::minute;
use super::{Pages, answer};
use crate::domain::words::{Channel, SourceKind};
use crate::http::access::{Allowed, ReadSources};
use crate::http::api::sources::{SourceList, SourceState};
use crate::http::language::Language;
use crate::http::problem::Problem;
use crate::http::site::Site;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};

/// Shows the sources in scope.
///
/// # Errors
/// When too much is asked at once.
pub async fn show(
    allowed: Allowed<ReadSources>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let list = site.ask(&allowed.caller().key, |view| Ok(SourceList::from(view.sources()))).await?;
    let drawing = Drawing { pages: &pages, language: Language::of(&request) };
    let silent = (list.silent > 0).then(|| drawing.filled("some_silent", &[("count", &list.silent.to_string())]));
    let content = context! { silent, sources => list.items.iter().map(|it| drawing.row(it)).collect::<Vec<_>>() };
    answer(&request, Some(allowed.caller()), "sources.html", "/sources", content)
}

/// Returns what a source is called: a channel has a name of its own.
pub(super) fn name_of(language: Language, kind: SourceKind, name: &str) -> &str {
    match (kind, name.parse::<Channel>()) {
        (SourceKind::Hotline, Ok(Channel::Mall)) => language.pick("商场投诉台", "mall desk"),
        _ => name,
    }
}

struct Drawing<'a> {
    pages: &'a Pages,
    language: Language,
}

impl Drawing<'_> {
    fn filled(&self, key: &str, places: &[(&str, &str)]) -> String {
        self.pages.filled(self.language, "sources", key, places)
    }

    fn row(&self, source: &SourceState) -> Value {
        let rhythm = source.rhythm.as_ref().map(|rhythm| {
            let key = match (rhythm.agreed, rhythm.every_days) {
                (true, 1) => "agreed_daily",
                (false, 1) => "usual_daily",
                (true, _) => "agreed",
                (false, _) => "usual",
            };
            self.filled(key, &[("days", &rhythm.every_days.to_string())])
        });
        let file = source.file.as_ref().map(|file| {
            let share = file.refused_share.parse::<rust_decimal::Decimal>().unwrap_or_default();
            let percent = format!("{:.1}", share * rust_decimal::Decimal::ONE_HUNDRED);
            let places = [("refused", file.refused.to_string()), ("rows", file.rows.to_string()), ("percent", percent)];
            self.filled("refused_of", &places.each_ref().map(|(name, value)| (*name, value.as_str())))
        });
        let silent = source.silent_from.as_deref().map(|day| self.filled("silent_from", &[("day", day)]));
        context! {
            kind => source.kind.name(), name => name_of(self.language, source.kind, &source.name),
            last => minute(source.last_at), last_rows => source.last_rows, rows => source.rows, file, rhythm, silent,
        }
    }
}
