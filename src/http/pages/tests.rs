use super::*;

fn frame(language: Language) -> Frame<'static> {
    Frame {
        language,
        caller: None,
        token: None,
        section: "/",
        path: "/",
        query: "q=a%26b&lang=en",
        is_demonstration: false,
        tour: None,
    }
}

fn import(state: &str, busy: bool) -> Value {
    let finding = || context! { place => "p", value => "v", reason => "r", further => "f" };
    context! {
        path => "/imports/1", file => "f", size => "s", by => "b", at => "a", history => true, state, busy, may_confirm => state == "previewed",
        progress => context! { read => 1, decided => 1, total => 2, text => "t" }, known => "k", mails => 1, failure => "f", withdrawn => (state == "taken").then_some("w"), may_withdraw => state == "failed",
        kinds => vec![context! { kind => "exits", text => "<b>", counts => vec![1, 2, 3, 4] }],
        counts => ["rows", "accepted", "queued", "unchanged", "refused", "remarks", "warnings"].map(|key| context! { key, count => 1 }).to_vec(),
        lights => vec![context! { light => "red", count => 1 }], refusals => vec![finding()], more_refusals => "m",
        warnings => vec![finding()], more_warnings => "m", papers => vec![context! { name => "n", path => "p" }],
    }
}

fn key_row() -> Value {
    context! {
        id => "i", name => "n", role => "lead", sees => "s", created => "c", valid => true, revoked => (), malls => "", sectors => "", divisions => "",
        bank => (), merchant => (),
    }
}

fn figures(is_month: bool) -> Value {
    let cell = context! { text => "1", of => "1/2", path => "/figures/tickets", now => "2", bar => Value::from_safe_string("<svg></svg>".to_owned()) };
    let body = context! { by => "street", name => "b", rows => vec![context! { name => "<n>", district => "d", cells => vec![cell] }] };
    context! {
        title => "t", is_month, notes => vec!["n"], later => is_month, from => "2025-03-01", to => "2025-04-01", last => "l", today => "2025-03-02",
        known_on => (), known => (!is_month).then_some("k"), periods => vec![context! { text => "p", path => "/figures" }], frozen_path => "/months/2025-02",
        month => is_month.then(|| context! { previous => "/months/2025-01", next => "/months/2025-03", days => "d" }),
        xlsx => "/figures.xlsx", csv => "/figures.csv",
        sections => vec![context! { key => "section_tickets", title => "t", head => vec![context! { name => "n", formula => "f" }], bodies => vec![body] }],
        subjects => vec![context! { credit_code => "c", name => (), tickets => 1, bar => () }],
    }
}

fn tickets() -> Vec<Value> {
    vec![
        context! { ticket => "t", credit_code => "c", name => (), what => "w", who => "o", due => "d", late => true, state => "s" },
    ]
}

/// Every page with every branch taken once.
fn samples() -> Vec<(&'static str, Value)> {
    let at = context! { iso => "2025-03-01T00:00:00Z", text => "2025-03-01 08:00", is_past => true };
    let notice = context! {
        credit_code => "91110000101623741K", name => "甲", mall => "东方广场", unit => "B1", first_posted => "2025-01-01",
        planned_on => "2025-02-01", days_left => -3, overdue => "3", notice_days => 31, place => 0, short => true, sent => "amend", query => "a=b", refund_plan => "",
    };
    vec![
        (
            "login.html",
            context! { next => "/", refused => "no", publishes => true, people => true, name => "n", tour_start => (), guests => Vec::<Value>::new(), kept => context! { path => "/mall", fields => "a=b" } },
        ),
        (
            "login.html",
            context! {
                next => "/", refused => "", publishes => true, people => false, name => "", tour_start => context! { path => "/today?tour=1", key => "k", role => "lead" },
                guests => vec![context! { role => "lead", name => "n", key => "k" }], kept => (),
            },
        ),
        ("welcome.html", context! { name => "n", link => "l", wrong => "w" }),
        (
            "account.html",
            context! {
                account => context! { name => "n", authenticator => true, recovery_left => 3 }, sees => "s", done => "d", qr => "q", secret => "s",
                codes => vec!["c"], wrong => "w",
            },
        ),
        (
            "account.html",
            context! { account => (), sees => "s", done => (), qr => (), secret => (), codes => Vec::<Value>::new(), wrong => () },
        ),
        (
            "admin.html",
            context! {
                pack => "p", rules => 1, sectors => vec!["sport"], people => 1, keys => 1, position => 9, older => 5,
                steps => vec![context! { position => 9, at => "a", actor => "w", what => "e", stream => "s" }],
            },
        ),
        (
            "admin-users.html",
            context! {
                people => vec![context! { key => key_row(), state => "s", authenticator => true }], roles => vec!["lead"],
                once => context! { link => "l", name => "n" }, wrong => "w", sent => key_row(),
            },
        ),
        (
            "admin-users.html",
            context! { people => Vec::<Value>::new(), roles => vec!["lead"], once => (), wrong => (), sent => key_row() },
        ),
        (
            "admin-keys.html",
            context! {
                keys => vec![key_row()], roles => vec!["lead"], once => context! { secret => "s", name => "n", sees => "s" }, wrong => "w",
                sent => key_row(),
            },
        ),
        (
            "resend.html",
            context! {
                path => "/mall", back => "/mall", form_token => "t", shown => vec![context! { name => "n", value => "v" }],
                fields => vec![context! { name => "n", value => "v" }],
            },
        ),
        (
            "problem.html",
            context! {
                problem => context! { status => 404, code => "x", title => "t", detail => "d", advice => "a", instance => "i" },
                fields => vec![context! { name => "n", text => "f" }],
            },
        ),
        (
            "shop-problem.html",
            context! {
                problem => context! { status => 429, title => "t", advice => "a" }, fields => vec![context! { name => "n", text => "f" }],
            },
        ),
        ("shop-problem.html", context! { problem => (), fields => Vec::<Value>::new() }),
        (
            "shop-search.html",
            context! {
                q => "q", too_short => false, rows => vec![context! { path => "/shop/c", name => "n", brand => "b", places => "p" }], more => "m",
                malls => vec![context! { name => "n", count => "c", path => "/shop/mall?name=n" }],
            },
        ),
        (
            "shop-search.html",
            context! { q => "q", too_short => false, rows => Vec::<Value>::new(), more => (), malls => Vec::<Value>::new() },
        ),
        (
            "shop.html",
            context! {
                shop => context! { name => "n", brand => "b", code => "c" }, filing => context! { state => "good", text => "t" },
                custody => context! { state => "bad", text => "t", guaranteed => "g" }, light => "red", exits => true,
                places => vec![
                    context! { name => "n", left => context! { text => "t", days => "d", posted => "p" }, closed => (), plan => "p" },
                    context! { name => "n", left => (), closed => "c", plan => () }, context! { name => "n", left => (), closed => (), plan => () },
                ],
                today => "d", sign => "/shop/c/sign",
            },
        ),
        (
            "shop-mall.html",
            context! { mall => "m", today => "d", rows => vec![
                context! { path => "/shop/c", name => "n", unit => "u", planned => "p", posted => "p", left => "l", is_soon => true, overdue => () },
                context! { path => (), name => (), unit => "u", planned => "p", posted => "p", left => "l", is_soon => false, overdue => "o" },
            ] },
        ),
        ("shop-mall.html", context! { mall => "m", today => "d", rows => Vec::<Value>::new() }),
        (
            "shop-sign.html",
            context! { name => "n", brand => "b", code => "c", qr => Value::from_safe_string("<svg></svg>".to_owned()), address => "a" },
        ),
        (
            "problems.html",
            context! { codes => vec![context! { code => "c", status => 400, title => "t", advice => "a" }] },
        ),
        (
            "board.html",
            context! {
                at => context! { iso => "2025-03-01T00:00:00Z", text => "2025-03-01 08:00", is_past => true }, today => "2025-03-01", filtered => true,
                found => "1", page_text => "1/1", previous => "/?page=1", next => "/?page=3", is_empty => false,
                pager => vec![
                    context! { number => 1, path => "/", current => false }, context! { number => (), path => (), current => false },
                    context! { number => 2, path => "/?page=2", current => true },
                ],
                filter => context! {
                    q => "<script>", light => "red", sector => "sport", division => "110108", mall => "M", street => "S", sort => "since", at => "a", known => "k", grid => "true",
                },
                hidden_columns => vec!["light"], lights => vec!["red"], sectors => vec![context! { id => "sport", name => "S" }],
                divisions => vec![context! { code => "110108", name => "D" }], malls => vec!["M"], waiting => 3,
                tiles => vec![context! {
                    light => "red", path => "/", count => 3, chosen => true, at_risk => "1", changes => vec![context! { days => "d", count => "+1", money => "+2" }],
                }],
                columns => ["light", "merchant", "brand", "code", "reasons", "sector", "place", "outstanding", "required", "held", "at_risk", "shortfall", "since"]
                    .map(|key| context! { key, name => key, amount => key == "held", path => (key == "light").then_some("/"), sorted => (key == "light").then_some("ascending") }).to_vec(),
                choices => vec![context! { key => "light", chosen => true }], xlsx => "/board.xlsx", csv => "/board.csv", grid_path => "/",
                grid => context! { sectors => vec!["s"], rows => vec![context! { name => "n", lit => 1, cells => vec![context! { lit => 1, all => 2, path => "/" }, context! { lit => 0, all => 2, path => () }] }] },
                rows => vec![context! {
                    light => "red", credit_code => "91110000101623741K", path => "/merchants/c", name => (), brand => "b", reasons => vec!["r"], more => "2",
                    sector => (), place => "p", at_risk => "1", shortfall => "2", outstanding => "3", required => "4", held => "5", since => "s", disputed => true,
                }],
            },
        ),
        (
            "merchant.html",
            context! {
                at => at.clone(), merchant => context! {
                    light => "unknown", name => "甲", credit_code => "c", check_character_fails => true, disputed => context! { at => "a", text => "<t>" }, silent => vec!["s"],
                    details => vec![context! { key => "brand", value => "b" }],
                },
                reasons => vec![context! {
                    light => "red", title => "t", rule => "r", version => 1, clause => "c", since => "s", what => "d", due => "x", late => true, silent => vec!["s", "s"],
                    events => vec![context! { link => "#e-1", text => "t", id => "1" }, context! { link => (), text => "t", id => "2" }],
                    facts => vec![context! { fact => "f", name => "n", value => "v", threshold => "t", shop => "s" }],
                }],
                shops => vec![context! { mall => "", unit => "u", state => "s" }],
                said => [true, false].map(|objection| context! { objection, at => "a", text => "<t>" }).to_vec(),
                aliases => vec![context! { alias => "a", mall => "m", street => "s", text => "<b>" }], may_name => true,
                letters => vec![context! { path => "/l", kind => "k", number => "n", date => "d" }], kinds_of_letters => vec![context! { path => "/k", text => "k" }],
                may_post => true, may_record => true, locked => vec!["l"], records => vec!["r"], case => "a", without_case => true, by => "happened", more => "?by=happened&steps=all", then => "&at=a",
                complaints => context! { count => "1", rows => vec![context! {
                    ticket => "t", number => "t", of => "12345", reply => "p", received => "r", channel => "c", kind => "k", amount => "a", state => "s", clock => tickets().pop(), done => vec!["x"] }] },
                may_answer => true,
                mails => vec![context! { at => "a", from => "green", to => "red", calls => false, fates => "f", nobody => false }],
                timeline => vec![context! { id => "1", iso => "i", at => "a", said => "r", light => "red", text => "t", withdrawn => true }],
            },
        ),
        (
            "mall.html",
            context! {
                tickets => tickets(), more_tickets => "m",
                marks => vec![context! { days => 90, text => "t" }],
                concerns => vec![context! { mall => "m", count => "c", rows => vec![context! { light => "red", name => "n", credit_code => "c", unfiled => true,
                    units => vec![context! { unit => "u", leaves => true, path => "p" }, context! { unit => "u", leaves => false, path => "p" }] }] }],
                said => context! { good => false, text => "x" }, wrong => vec![context! { field => "unit", name => "n", text => "t" }],
                faults => context! { unit => "t" }, notices => vec![notice.clone()],
                confirm => context! { title => "t", line => "l", effect => "e", light => "red", planned => "2025-01-01" },
                found => "1", page_text => "1/1", previous => "/mall?page=1", next => "/mall?page=3", filtered => true,
                filter => context! { q => "q", mall => "M" }, malls => vec!["M"],
                may_post => true, own_malls => vec!["M"], today => "2025-01-01",
                sent => context! { action => "amend", credit_code => "", mall => "M", unit => "", date => "", planned_on => "", refund_plan => "", reason => "", new_unit => true },
                form => context! { action => "post",  credit_code => "", mall => "M", unit => "", date => "", planned_on => "", refund_plan => "", reason => "", new_unit => true },
            },
        ),
        (
            "sources.html",
            context! { silent => "s", sources => vec![
                context! { kind => "bank", name => "n", last => "l", last_rows => 1, rows => 2, file => "f", rhythm => "r", silent => "s" },
                context! { kind => "mall", name => "n", last => "l", last_rows => (), rows => (), file => (), rhythm => "r", silent => () },
                context! { kind => "hotline", name => "n", last => "l", last_rows => 1, rows => 2, file => (), rhythm => (), silent => () },
            ] },
        ),
        (
            "imports.html",
            context! { busy => true, tells_history => true, limit => "l", imports => ["previewed", "failed", "taken"].map(|state| context! {
                path => "/imports/1", file => "f", by => "b", at => "a", state, accepted => 1, unchanged => 2, refused => 3, withdrawn => state == "failed",
            }).to_vec() },
        ),
        (
            "withdrawal.html",
            context! {
                path => "/imports/1", has_page => true, file => "f", lights => vec![context! { credit_code => "c", name => (), from => "red", to => "green" }],
                counts => ["withdraw_events", "withdraw_merchants", "withdraw_tickets"].map(|key| context! { key, count => 1 }).to_vec(),
                more => "m", leaning => "l", leaning_files => vec!["x"], withdrawn => (),
            },
        ),
        (
            "withdrawal.html",
            context! {
                path => "/imports/1", has_page => false, file => "f", lights => Vec::<Value>::new(), counts => Vec::<Value>::new(), more => (),
                leaning => (), leaning_files => Vec::<Value>::new(), withdrawn => "w",
            },
        ),
        ("import.html", import("previewing", true)),
        ("import.html", import("previewed", false)),
        ("import.html", import("taken", false)),
        ("import.html", import("failed", false)),
        (
            "today.html",
            context! {
                at => context! { iso => "2025-03-01T00:00:00Z", text => "2025-03-01 08:00" }, is_empty => true,
                tiles => vec![context! { key => "late", name => "n", hint => "h", count => 1, path => "#mine", bad => true }],
                has_cases => true, may_handle => true, may_post => true, mine => vec![context! { alert => "a", credit_code => "c", name => (), light => "red", sector => "s", duties => vec!["d"], due => "x", late => true, holder => (), acknowledged => false }], more_mine => "m", others => vec![context! { alert => "a", credit_code => "c", name => (), light => "red", sector => "s", duties => vec!["d"], due => "x", late => true, holder => (), acknowledged => false }], more_others => "m",
                changed => vec![
                    context! { credit_code => "c", name => "n", light => "red", before => "green", at => "a" },
                    context! { credit_code => "c", name => (), light => "red", before => (), at => "a" },
                ],
                has_accounts => true, more_accounts => "m",
                accounts => vec![context! { credit_code => "c", name => (), light => "red", tail => "1", reported => "r", held => "h", abnormal => true, required => "r", due => "d", late => true, soon => false, closed => false }],
                more_changed => "m", newest => "7", has_complaints => true, more_complaints => "m",
                complaints => tickets(),
                silent => vec![context! { kind => "bank", name => "n", from => "f" }], more_silent => "m",
            },
        ),
        ("figures.html", figures(false)),
        ("figures.html", figures(true)),
        (
            "counted.html",
            context! {
                title => "t", formula => "f", group => "g", days => "d", back => "/figures", is_rate => true, found => "1", page_text => "1/1",
                previous => "/figures/tickets?page=1", next => "/figures/tickets?page=3",
                rows => vec![context! { credit_code => "c", name => (), part => "p", amount => (), position => "1", event => "e" }],
            },
        ),
        (
            "accounts.html",
            context! {
                accounts => vec![context! { credit_code => "c", name => (), light => "red", tail => "1", reported => "r", held => "h", abnormal => true, required => "r", due => "d", late => true, soon => false, closed => false }], found => "1", page_text => "1/1", previous => "/accounts?page=1", next => "/accounts?page=3", q => "q", late => true, filtered => true,
            },
        ),
        ("desk.html", context! { at => at.clone(), credit_code => "c", known => false }),
        (
            "desk.html",
            context! {
                at => at.clone(), known => true, credit_code => "c", name => (), light => "red", since => "s", disputed => true, lit => true,
                reasons => vec![context! { light => "red", title => "t", facts => "f", clause => "c", since => "s", helps => "h" }],
                orders => vec!["d"], details => vec![context! { key => "brand", value => "b" }], bank => (), declared => "d", report => "r",
                said => [true, false].map(|objection| context! { objection, at => "a", text => "<t>" }).to_vec(),
                acts => vec![context! { title => "g", acts => vec![context! { path => "p", text => "t", chosen => false }] }],
                timeline => vec![context! { at => "a", text => "t" }],
            },
        ),
        (
            "draft.html",
            context! {
                kind => "lead_letter", name => (), credit_code => "c", light => "red", is_lead => true, needs_due => true,
                refused => context! { title => "t", lines => vec![context! { input => "date", name => "n", text => "t" }] },
                form => context! {
                    number => "n", date => "d", due_on => "", office => "o", lead => "l", authority => "a", title => "t", to => "m",
                    paragraphs => "p",
                },
            },
        ),
        (
            "acts.html",
            context! {
                credit_code => "c", name => (), case => "a", said => "s", refused => "r", tickets => vec!["T"],
                wrong => vec![context! { input => "date", name => "n", text => "t" }],
                groups => vec![context! { title => "g", acts => vec![context! { path => "p", text => "t", chosen => true }] }],
                form => context! {
                    id => "i", title => "t", help => "h",
                    fields => ["choice", "prose", "ticket", "money", "date"].map(|control| context! {
                        name => "n", label => "l", value => "<v>", needed => control == "date", control, hint => "h",
                        wrong => (control == "date").then_some("w"),
                        options => vec![context! { word => "w", text => "t", chosen => true }],
                    }).to_vec(),
                },
            },
        ),
        (
            "paper.html",
            context! {
                credit_code => "c", docx => "/d",
                letter => context! { number => "n", office => "o", title => "t", to => "m", paragraphs => vec!["p"], date => "d" },
            },
        ),
        (
            "cases.html",
            context! {
                tickets => tickets(), more_tickets => "m",
                views => vec![context! { key => "all", path => "/cases?", chosen => true }], found => "1", page_text => "1/1",
                previous => "/cases?page=1", next => "/cases?page=3", may_handle => true, me => "m", changed => "c", to => "t", from => "",
                wrong => vec![context! { input => "to", name => "n", text => "t" }],
                cases => vec![context! {
                    alert => "a", credit_code => "c", name => (), light => "red", sector => (), duties => vec!["d"], due => "x", late => true,
                    holder => (), acknowledged => true, opened => "o", outcome => (),
                }],
            },
        ),
        (
            "case.html",
            context! {
                tickets => tickets(), more_tickets => "m",
                case => context! {
                    alert => "a", credit_code => "c", name => (), light => "red", worst => "red", opened => "o", reopened => 1, sector => (),
                    acknowledged => (), holder => "h", late => true, closed => (), outcome => (),
                },
                disputed => context! { at => "a", text => "<t>" },
                duties => vec![context! {
                    duty => "d", state => "late", state_text => "t", what => "w", who => "m", rule => "r", light => "orange", clause => "c",
                    arose => "a", due => "x", paused => "p", reason => "y", ended => (), act => (), act_on => (), acts => "a", is_red => false,
                }],
                steps => vec![context! { at => "a", text => "t", actor => "w" }],
                mails => vec![context! { at => "a", from => "green", to => "red", calls => true, fates => "f" }],
                asks_about => true,
                kinds => vec![context! { name => "talk", text => "t" }], outcomes => vec![context! { name => "other", text => "t" }],
                refused => context! { title => "t", lines => vec![context! { input => "i", name => "n", text => "t" }] },
                sent => context! { action => "act", duty => "", kind => "talk", date => "d", due_on => "", number => "", note => "" },
                acts => vec![context! { title => "g", acts => vec![context! { path => "p", text => "t", chosen => false }] }],
                sectors => vec![context! { id => "sport", text => "t" }],
                may_handle => true, me => "me", today => "2025-01-01",
            },
        ),
        ("unattributed.html", {
            let ticket = |state: &str| {
                context! {
                    number => "T", channel => "12315", channel_text => "c", kind => "k", received => "r", amount => "1", state, state_text => "s",
                    said => vec![context! { label => "l", text => "<b>" }], codes => "c",
                    owner => (state != "waiting").then(|| context! { code => "c", name => () }),
                    candidates => vec![context! { key => 1, code => "c", name => "n", place => "p", why => vec!["w", "w"] }],
                }
            };
            context! {
                asked => context! { q => "q", decided => true, page => 2 }, at => 0, counts => "c", wrong => vec![context! { name => "n", text => "t" }], aliases => vec![context! { code => "c", alias => "<b>", mall => "m", street => "s", text => "t" }], sent => context! { decision => "set_aside", ticket => "T", channel => "12315", reason => "r" },
                tickets => vec![ticket("waiting"), ticket("attributed")], last => ticket("set_aside"), page_text => "1/1",
                previous => "/unattributed?page=1", next => "/unattributed?page=3",
            }
        }),
        (
            "link.html",
            context! {
                office => "o", until => "u", action => "/m/x", acknowledged => false, over => false, changed => true,
                several => false, seen => "s",
                items => vec![context! {
                    name => (), credit_code => "c", light => "red", at => "a", ended => false, reasons => vec!["t"],
                    duties => vec![context! { text => "t", due => "d", late => true }],
                }],
            },
        ),
        ("letter.html", context! { to => "a@b", subject => "s", text => "t" }),
        (
            "sheet.html",
            context! { notice, line => "l", today => "2025-01-01", qr => Value::from_safe_string("<svg></svg>".to_owned()) },
        ),
        (
            "mails.html",
            context! { next => "/mails?before=3", may_send => true, mails => vec![context! {
                mail => "m", at => "a",
                about => context! { source => (), credit_code => "c", merchant => "m", from => "green", to => "red", calls => false },
                recipients => vec![context! { address => "a@b", office => "o", fate => "refused", attempts => 2, opened => "o", may_again => true, reply => "250" }],
            }, context! {
                mail => "m", at => "a", about => context! { source => (), merchants => 2, to => "red" },
                recipients => vec![context! { address => "a@b", office => "o", fate => "gathered", attempts => 0, opened => (), may_again => false, reply => () }],
            }, context! {
                mail => "m", at => "a", about => context! { source => "s", kind => "bank", silent_from => "d" },
                recipients => vec![context! { address => (), office => (), fate => (), attempts => 0, opened => (), may_again => false, reply => () }],
            }] },
        ),
    ]
}

#[test]
fn every_page_can_be_drawn_in_both_languages() {
    let pages = Pages::new().unwrap();
    for language in Language::ALL {
        for (template, content) in samples() {
            let page = pages.draw(template, &frame(language), content).unwrap_or_else(|error| panic!("{error:#}"));
            assert!(page.contains(&format!("<html lang=\"{}\">", language.tag())), "{template}");
        }
    }
    let drawn: std::collections::BTreeSet<&str> = samples().into_iter().map(|(template, _)| template).collect();
    // What extends no layout is one, or a part of pages, and is drawn with them.
    let pages = TEMPLATES.iter().filter(|(_, text)| text.starts_with("{% extends")).map(|(template, _)| *template);
    assert_eq!(drawn, pages.collect(), "a page without a sample is a page without a test");
}

#[test]
fn nothing_on_a_page_needs_inline_script_or_style_or_another_host() {
    let pages = Pages::new().unwrap();
    for (template, content) in samples() {
        let page = pages.draw(template, &frame(Language::Zh), content).unwrap();
        for forbidden in [" style=", "<style", " onclick", " onload", "javascript:", "http://", "https://"] {
            assert!(!page.contains(forbidden), "{template} has `{forbidden}`");
        }
        assert!(!page.contains("<script>"), "{template}: text from outside is escaped, script comes from a file");
    }
}

#[test]
fn the_tour_says_something_at_each_stop_and_leads_on() {
    let pages = Pages::new().unwrap();
    for language in Language::ALL {
        for number in 1..=10 {
            let way = |key: Option<&str>| context! { path => "/today?tour=2", key, role => "lead" };
            let tour = context! { number, of => 10, next => (number < 10).then(|| way(Some("k"))), previous => (number > 1).then(|| way(None)) };
            let frame = Frame { tour: Some(&tour), ..frame(language) };
            let page = pages.draw("problems.html", &frame, context! { codes => Vec::<Value>::new() }).unwrap();
            assert!(!pages.text(language, "tour", &format!("step_{number}")).is_empty(), "{number}");
            assert_eq!(page.contains("action=\"/login\""), number < 10, "somebody else looks at the next stop");
        }
    }
}

#[test]
fn no_template_says_anything_by_itself() {
    for (name, text) in TEMPLATES {
        // What stands between tags, without what is filled in.
        let mut said = String::new();
        let mut rest = *text;
        while let Some((before, after)) = rest.split_once(['<', '{']) {
            said.push_str(before);
            let opened = rest.as_bytes()[before.len()];
            let end = if opened == b'<' { ">" } else { "}" };
            rest = after.split_once(end).map_or("", |(_, rest)| rest);
        }
        // Single letters are keys of the keyboard; macros write attributes.
        let attributes = ["aria", "invalid", "true", "describedby", "error", "required", "hint", "selected"];
        let words = said.split(|letter: char| !letter.is_alphabetic()).filter(|word| word.chars().count() > 1);
        let words: Vec<&str> = words.filter(|word| !attributes.contains(word)).collect();
        assert!(words.is_empty(), "{name} has text that is in one language only: {words:?}");
    }
}

#[test]
fn a_merchant_is_told_what_ends_each_reason() {
    let (pages, policies) = (Pages::new().unwrap(), crate::policy::Policies::built_in().unwrap());
    for language in Language::ALL {
        for rule in &policies.pack.rules {
            assert!(!pages.text(language, "remedy", &rule.id).is_empty(), "{}: no [remedy] in assets/i18n", rule.id);
        }
    }
}

#[test]
fn every_form_that_changes_something_carries_the_token() {
    for (template, text) in TEMPLATES {
        for form in text.split("<form").skip(1) {
            let (form, _) = form.split_once("</form>").unwrap();
            let exempt = form.contains("method=\"get\"") || form.contains("action=\"/login\"")
                // It comes before a session, with the text of a link that no other site knows.
                || form.contains("action=\"/welcome\"")
                // Whoever has that address has the right: it cannot be guessed.
                || form.contains("action=\"{{ action }}\"") && template == &"link.html";
            assert!(exempt || form.contains("name=\"form_token\""), "{template}: {form}");
        }
    }
}

#[test]
fn the_other_language_is_one_click_away_and_keeps_the_query() {
    assert_eq!(other_language("/", "q=a%26b&lang=en", Language::En), "/?q=a%26b&lang=zh-CN");
    assert_eq!(other_language("/mall", "", Language::Zh), "/mall?lang=en");
}
