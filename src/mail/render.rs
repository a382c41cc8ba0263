//! The text of a mail (邮件正文): subject, plain text and HTML in the recipient's language.
//!
//! Names come from sheets and strangers. Every value is brought onto one clean line before a template sees it, and the
//! HTML template escapes on top, so that no name can forge a line, a header or a tag.

mod digest;
mod list;
mod view;

use super::link::LinkKey;
use crate::alerts::recipients::LetterLanguage;
use crate::domain::event::{LightChanged, MailNews, MailRequested, Recipient};
use crate::domain::time::Instant;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use view::Around;

pub(super) use view::one_line;
pub use view::{symbol, word};

/// What a rule asks somebody to do (处置要求).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// What to do, in the language asked for.
    pub text: String,
    /// Until when; `None` if it has no clock.
    pub due: Option<Instant>,
}

/// Knows the rules' texts. The policy room's packs do; the defaults show ids, which are at least exact.
pub trait Rulebook: Send + Sync {
    /// Returns the title of a rule.
    fn title(&self, _rule: &str, _language: LetterLanguage) -> Option<String> {
        None
    }

    /// Returns the name of a fact.
    fn fact(&self, _fact: &str, _language: LetterLanguage) -> Option<String> {
        None
    }

    /// Returns what the rule asks for when it fires at `at`.
    fn duty(&self, _rule: &str, _language: LetterLanguage, _at: Instant) -> Option<Duty> {
        None
    }
}

/// The rulebook that knows no texts.
impl Rulebook for () {}

/// A mail's text for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Subject, one line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
    /// What goes with it.
    pub attachment: Option<Attachment>,
}

/// A file that goes with a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, ASCII.
    pub name: String,
    /// An xlsx workbook; the same whenever the letter is written.
    pub bytes: Vec<u8>,
}

/// A template does not fit its values, or the list of a digest cannot be written; a mistake in this software.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A template.
    #[error("the mail text cannot be made: {0}")]
    Text(#[from] minijinja::Error),
    /// The list.
    #[error("the list of a digest cannot be made: {0}")]
    List(#[from] rust_xlsxwriter::XlsxError),
}

/// Writes letters.
pub struct Renderer {
    templates: Environment<'static>,
    rulebook: Box<dyn Rulebook>,
    base_url: String,
    links: Option<LinkKey>,
}

impl std::fmt::Debug for Renderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renderer").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

const TEMPLATES: [(&str, &str); 19] = [
    ("base.html", include_str!("../../assets/mail/base.html")),
    ("zh-CN/subject.txt", include_str!("../../assets/mail/zh-CN/subject.txt")),
    ("zh-CN/body.txt", include_str!("../../assets/mail/zh-CN/body.txt")),
    ("zh-CN/body.html", include_str!("../../assets/mail/zh-CN/body.html")),
    ("zh-CN/silence.subject.txt", include_str!("../../assets/mail/zh-CN/silence.subject.txt")),
    ("zh-CN/silence.body.txt", include_str!("../../assets/mail/zh-CN/silence.body.txt")),
    ("zh-CN/silence.body.html", include_str!("../../assets/mail/zh-CN/silence.body.html")),
    ("zh-CN/digest.subject.txt", include_str!("../../assets/mail/zh-CN/digest.subject.txt")),
    ("zh-CN/digest.body.txt", include_str!("../../assets/mail/zh-CN/digest.body.txt")),
    ("zh-CN/digest.body.html", include_str!("../../assets/mail/zh-CN/digest.body.html")),
    ("en/digest.subject.txt", include_str!("../../assets/mail/en/digest.subject.txt")),
    ("en/digest.body.txt", include_str!("../../assets/mail/en/digest.body.txt")),
    ("en/digest.body.html", include_str!("../../assets/mail/en/digest.body.html")),
    ("en/silence.subject.txt", include_str!("../../assets/mail/en/silence.subject.txt")),
    ("en/silence.body.txt", include_str!("../../assets/mail/en/silence.body.txt")),
    ("en/silence.body.html", include_str!("../../assets/mail/en/silence.body.html")),
    ("en/subject.txt", include_str!("../../assets/mail/en/subject.txt")),
    ("en/body.txt", include_str!("../../assets/mail/en/body.txt")),
    ("en/body.html", include_str!("../../assets/mail/en/body.html")),
];

impl Renderer {
    /// Returns a renderer whose letters link to the board at `base_url`.
    ///
    /// # Errors
    /// When a template that is built in does not parse.
    pub fn new(base_url: &str, rulebook: Box<dyn Rulebook>) -> Result<Self, RenderError> {
        let mut templates = Environment::new();
        templates.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in TEMPLATES {
            templates.add_template(name, source)?;
        }
        Ok(Self { templates, rulebook, base_url: base_url.to_owned(), links: None })
    }

    /// Returns the renderer with what makes links by which recipients acknowledge.
    #[must_use]
    pub fn with_links(self, links: Option<LinkKey>) -> Self {
        Self { links, ..self }
    }

    /// Returns what makes links by which recipients acknowledge, and knows them.
    #[must_use]
    pub const fn links(&self) -> Option<&LinkKey> {
        self.links.as_ref()
    }

    /// Writes the letter as it goes out to one recipient: with the link by which that one acknowledges it.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn outgoing(
        &self,
        requested: &MailRequested,
        recipient: &Recipient,
        change: Option<&LightChanged>,
    ) -> Result<Letter, RenderError> {
        // What is acknowledged are lights.
        let links = self.links().filter(|_| !matches!(requested.news, MailNews::Silence(_)));
        let token = links.map(|links| links.token(requested.mail, &recipient.address));
        self.write(requested, recipient, change, token.map(|token| format!("{}/m/{token}", self.base_url)))
    }

    /// Writes the letter to one recipient, for anybody to read: without the link that is for them alone. It is about `change` if the mail
    /// tells of a light. Without the change (a log that does not hold it) the letter names the light and points to the board for the
    /// reasons.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn letter(
        &self,
        requested: &MailRequested,
        recipient: &Recipient,
        change: Option<&LightChanged>,
    ) -> Result<Letter, RenderError> {
        self.write(requested, recipient, change, None)
    }

    fn write(
        &self,
        requested: &MailRequested,
        recipient: &Recipient,
        change: Option<&LightChanged>,
        acknowledge: Option<String>,
    ) -> Result<Letter, RenderError> {
        // A language that a newer list knows and this software does not: Chinese is what every office here reads.
        let language = recipient.language.parse().unwrap_or(LetterLanguage::Chinese);
        let around = Around { requested, recipient, language, base_url: &self.base_url, acknowledge };
        match &requested.news {
            MailNews::Light(news) => self.written(language, "", &view::light(&around, news, change, &*self.rulebook)),
            MailNews::Silence(silence) => self.written(language, "silence.", &view::silence(&around, silence)),
            MailNews::Digest(digest) => {
                let letter = self.written(language, "digest.", &digest::view(&around, digest))?;
                Ok(Letter { attachment: Some(list::attachment(requested.at, digest, language)?), ..letter })
            }
        }
    }

    fn written(&self, language: LetterLanguage, kind: &str, view: &impl Serialize) -> Result<Letter, RenderError> {
        let render = |file: &str| {
            self.templates.get_template(&format!("{language}/{kind}{file}"))?.render(minijinja::value::Serde(view))
        };
        Ok(Letter {
            // A subject of ASCII letters goes out as it is, and what looks like an encoded word in it would be decoded.
            subject: view::one_line(&render("subject.txt")?).replace("=?", "= ?"),
            text: render("body.txt")?,
            html: render("body.html")?,
            attachment: None,
        })
    }
}

#[cfg(test)]
mod tests;
