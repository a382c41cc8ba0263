//! The help in Chinese: the English one comes from the doc comments of the arguments, and is gone over with the catalogue.

use super::said::{Said, Text};
use super::texts;
use crate::http::Language;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};
use std::collections::BTreeMap;

/// Chinese texts by command (`warnlight key create`) and argument; `about` and `long` are the command's own.
type Catalogue = BTreeMap<String, BTreeMap<String, String>>;

const TEMPLATE: &str = "{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}";

/// Returns the language this process speaks: `--lang`, `WARNLIGHT_LANG`, then what the system is set to.
///
/// Looked up before the command line is read, because reading it may end in a message already.
pub(super) fn language(arguments: &[String], variable: impl Fn(&str) -> Option<String>) -> Language {
    let flag = arguments.iter().enumerate().find_map(|(index, argument)| match argument.strip_prefix("--lang") {
        Some("") => arguments.get(index + 1).cloned(),
        Some(rest) => rest.strip_prefix('=').map(str::to_owned),
        None => None,
    });
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let wanted = flag.or_else(|| ["WARNLIGHT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set));
    // Locales are written `zh_CN.UTF-8`; whatever is not Chinese is answered in English.
    let tag = wanted.unwrap_or_default().replace('_', "-");
    Language::from_tag(tag.split(['.', '@']).next().unwrap_or_default()).unwrap_or(Language::En)
}

/// Returns the command line with every text in Chinese.
pub(super) fn in_chinese(command: Command) -> Command {
    // The tests read it; a table that is none would leave the help in English.
    let catalogue = catalogue().unwrap_or_default();
    let exits = super::Exit::table(Language::Zh);
    localise(command, "warnlight", &catalogue)
        .disable_version_flag(true)
        .arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help("显示版本")
                .help_heading(OPTIONS),
        )
        .after_help(exits)
}

fn catalogue() -> Result<Catalogue, toml::de::Error> {
    toml::from_str(include_str!("../../assets/cli/help.zh-CN.toml"))
}

const OPTIONS: &str = "选项";

fn localise(command: Command, path: &str, catalogue: &Catalogue) -> Command {
    let texts = catalogue.get(path);
    let common = catalogue.get("common");
    let find = |key: &str| texts.and_then(|texts| texts.get(key)).or_else(|| common?.get(key)).cloned();
    let mut command = command
        .mut_args(|arg| {
            let text = find(arg.get_id().as_str());
            localise_arg(arg, text)
        })
        .disable_help_flag(true)
        .arg(Arg::new("help").short('h').long("help").action(ArgAction::Help).help("显示帮助").help_heading(OPTIONS))
        .help_template(TEMPLATE)
        .subcommand_help_heading("命令");
    if let Some(about) = texts.and_then(|texts| texts.get("about")) {
        let long = texts.and_then(|texts| texts.get("long"));
        let long = long.map_or_else(|| about.clone(), |long| format!("{about}\n\n{long}"));
        command = command.about(about.clone()).long_about(long);
    }
    command.mut_subcommands(|sub| {
        let path = format!("{path} {}", sub.get_name());
        localise(sub, &path, catalogue)
    })
}

/// What clap would add to an argument's help in English is written behind it in Chinese.
fn localise_arg(arg: Arg, text: Option<String>) -> Arg {
    let mut help = text.unwrap_or_else(|| arg.get_help().map(StyledStr::to_string).unwrap_or_default());
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if !defaults.is_empty() && arg.get_action().takes_values() {
        help.push_str(&format!(" [默认：{}]", defaults.join(" ")));
    }
    if let Some(variable) = arg.get_env() {
        help.push_str(&format!(" [环境变量：{}]", variable.to_string_lossy()));
    }
    let possible: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if !possible.is_empty() && arg.get_action().takes_values() {
        help.push_str(&format!(" [可选：{}]", possible.join("、")));
    }
    let heading = if arg.is_positional() { "参数" } else { OPTIONS };
    let takes_values = arg.get_action().takes_values();
    let arg = arg.help(help.clone()).long_help(help).help_heading(heading);
    if takes_values { arg.hide_default_value(true).hide_env(true).hide_possible_values(true) } else { arg }
}

/// Says in Chinese what is wrong with a command line.
pub(super) fn fault(error: &clap::Error) -> String {
    let context = |kind| error.get(kind).map(shown);
    let argument = context(ContextKind::InvalidArg).unwrap_or_default();
    let value = context(ContextKind::InvalidValue).unwrap_or_default();
    let what: Said = match error.kind() {
        ErrorKind::ValueValidation | ErrorKind::InvalidValue if value.is_empty() => texts::NO_VALUE.with(&[&argument]),
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => texts::BAD_VALUE.with(&[&value, &argument]),
        ErrorKind::UnknownArgument => texts::UNKNOWN_ARGUMENT.with(&[&argument]),
        ErrorKind::InvalidSubcommand => {
            texts::UNKNOWN_COMMAND.with(&[&context(ContextKind::InvalidSubcommand).unwrap_or_default()])
        }
        ErrorKind::MissingRequiredArgument => texts::MISSING_ARGUMENT.with(&[&argument]),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Text::into(texts::MISSING_COMMAND)
        }
        ErrorKind::ArgumentConflict => texts::CONFLICTING.with(&[&argument]),
        _ => Text::into(texts::NOT_UNDERSTOOD),
    };
    let mut line = format!("warnlight：{}", what.zh);
    if let Some(why) = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Said>()) {
        line.push_str(&format!("：{}", why.zh));
    }
    if let Some(valid) = context(ContextKind::ValidValue) {
        line.push_str(&format!("；可选：{valid}"));
    }
    format!("{line}\n{}", texts::TRY_HELP.zh)
}

fn shown(value: &ContextValue) -> String {
    match value {
        ContextValue::Strings(values) => values.join("、"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::collections::BTreeSet;

    fn needed(command: &Command, path: &str, keys: &mut BTreeSet<(String, String)>) {
        let mut need = |key: &str| keys.insert((path.to_owned(), key.to_owned()));
        need("about");
        if command.get_long_about().is_some() {
            need("long");
        }
        for arg in command.get_arguments().filter(|arg| !arg.is_global_set()) {
            need(arg.get_id().as_str());
        }
        for sub in command.get_subcommands() {
            needed(sub, &format!("{path} {}", sub.get_name()), keys);
        }
    }

    #[test]
    fn every_help_text_exists_in_both_languages() {
        let mut keys = BTreeSet::new();
        let english = crate::cli::Cli::command();
        needed(&english, "warnlight", &mut keys);
        keys.extend(english.get_arguments().map(|arg| ("common".to_owned(), arg.get_id().to_string())));
        let chinese: BTreeSet<(String, String)> = catalogue()
            .unwrap()
            .into_iter()
            .flat_map(|(path, texts)| texts.into_keys().map(move |key| (path.clone(), key)))
            .collect();
        assert_eq!(keys, chinese);
    }

    fn helps(command: &mut Command, all: &mut Vec<String>) {
        all.push(command.render_long_help().to_string());
        for sub in command.get_subcommands_mut() {
            helps(sub, all);
        }
    }

    #[test]
    fn chinese_help_has_none_of_the_english_words_that_come_of_themselves() {
        let mut command = in_chinese(crate::cli::Cli::command());
        command.build();
        let mut all = Vec::new();
        helps(&mut command, &mut all);
        assert!(all.len() > 12);
        for help in all {
            for word in ["Usage:", "Options:", "Arguments:", "Commands:", "[default", "[env", "[possible", "Print "] {
                assert!(!help.contains(word), "{word} in:\n{help}");
            }
        }
    }

    #[test]
    fn the_language_is_the_flags_then_the_variables() {
        let of = |arguments: &[&str], variables: &[(&str, &str)]| {
            let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            let variable = |name: &str| Some(variables.iter().find(|(known, _)| *known == name)?.1.to_owned());
            language(&arguments, variable)
        };
        assert_eq!(of(&[], &[]), Language::En);
        assert_eq!(of(&[], &[("LANG", "zh_CN.UTF-8")]), Language::Zh);
        assert_eq!(of(&[], &[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C.UTF-8")]), Language::En);
        assert_eq!(of(&["--lang", "zh-CN"], &[("LC_ALL", "en_GB.UTF-8")]), Language::Zh);
        assert_eq!(of(&["lights", "--lang=en"], &[("WARNLIGHT_LANG", "zh")]), Language::En);
    }
}
