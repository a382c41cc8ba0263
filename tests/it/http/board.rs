//! The board: search, order, columns, other days, changes, the grid, and the files it is taken away in.

use super::app::{App, HERE, THERE, encoded, instant};
use serde_json::{Value, json};
use warnlight::domain::words::Role;

/// The credit codes of the rows of a page, in their order.
fn rows(page: &str) -> Vec<String> {
    let row = |part: &str| part.split('"').next().unwrap().to_owned();
    page.split("<th scope=\"row\"><a href=\"/merchants/").skip(1).map(row).collect()
}

fn board(app: &App, role: Role, query: &str) -> String {
    app.get(&format!("/?{query}")).role(role).html().ok().text
}

fn more() -> Vec<Value> {
    vec![
        json!({ "command": "register_merchant", "credit_code": HERE, "legal_representative": "王小明", "street": "中关村街道" }),
        json!({ "command": "register_merchant", "credit_code": THERE, "street": "朝外街道" }),
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-03-31", "outstanding": "900000.00" }),
        json!({ "command": "report_balance", "credit_code": THERE, "date": "2025-03-31", "outstanding": "1200000.00" }),
    ]
}

#[test]
fn a_merchant_is_found_by_whatever_people_remember_of_it() {
    let app = App::start();
    app.tell(&more());
    let found = |role: Role, q: &str| rows(&board(&app, role, &format!("q={}", encoded(q))));
    let here = [HERE.to_owned()];
    for q in [
        "健身",
        "动起来",
        "海淀 健身",
        "东方广场",
        "B1-01 动起来",
        "王小明",
        "中关村",
        "hdjs",
        "DQL",
        "动起来 hd",
        &HERE[..9],
    ] {
        assert_eq!(found(Role::Lead, q), here, "{q}");
    }
    for q in ["健身 朝阳", "zzzz", "西单 健身"] {
        assert_eq!(found(Role::Lead, q), [String::new(); 0], "{q}");
    }
    assert_eq!(found(Role::Admin, "").len(), 2);
    // A mall finds its tenant, not by who leads the company.
    assert_eq!(found(Role::Operator, "健身"), here);
    assert_eq!(found(Role::Operator, "王小明"), [String::new(); 0]);
}

#[test]
fn the_list_is_ordered_by_any_column_and_its_columns_are_chosen() {
    let app = App::start();
    app.tell(&more());
    let ordered = |sort: &str| rows(&board(&app, Role::Admin, &format!("sort={sort}")));
    let (here, there) = (HERE.to_owned(), THERE.to_owned());
    assert_eq!(ordered("at_risk"), [there.clone(), here.clone()]);
    assert_eq!(ordered("-at_risk"), [here.clone(), there.clone()]);
    assert_eq!(ordered("place"), [there, here]);
    let wrong = app.get("/?sort=nonsense").role(Role::Admin).html().send();
    assert!(wrong.status == 400 && wrong.text.contains("不能按此列排序"), "{}", wrong.text);
    let page =
        board(&app, Role::Admin, "cols=brand&cols=outstanding&q=健身".replace("健身", &encoded("健身")).as_str());
    assert!(page.contains(">品牌</th>") && page.contains("900,000") && !page.contains(">亮灯原因</th>"), "{page}");
    assert!(page.contains("cols=merchant&amp;cols=brand&amp;cols=outstanding"), "links keep the columns: {page}");
}

#[test]
fn the_board_of_another_day_is_derived_as_of_it_and_by_what_was_known() {
    let app = App::start();
    app.alarm();
    let light = |query: &str| {
        let page = board(&app, Role::Admin, query);
        let row = page.split("<tr class=\"row-").skip(1).find(|row| row.contains(HERE));
        row.map(|row| row.split('"').next().unwrap().to_owned())
    };
    assert_eq!(light(""), Some("orange".to_owned()));
    assert_eq!(light("at=2025-06-30"), Some("orange".to_owned()));
    assert_eq!(light("at=2025-06-20"), Some("orange".to_owned()), "the notice is of that day");
    assert_eq!(light("at=2025-06-19"), Some("green".to_owned()), "the day before it was posted");
    assert_eq!(light("known=2025-06-29"), None, "nothing was recorded by then");
    let page = board(&app, Role::Admin, "at=2025-06-19");
    assert!(page.contains("过去的灯情") && !page.contains("data-live-sign"), "{page}");
    for wrong in ["at=2025-07-01", "at=yesterday", "known=2026-01-01"] {
        assert_eq!(app.get(&format!("/?{wrong}")).role(Role::Admin).html().send().status, 400, "{wrong}");
    }
}

/// Returns the counts of a day, slowly: every light of that instant.
fn count_of(app: &App, at: &str, light: &str) -> i64 {
    let lights = app.get(&format!("/api/v1/lights?at={at}")).role(Role::Admin).ok().json();
    i64::try_from(lights.as_array().unwrap().iter().filter(|row| row["light"] == light).count()).unwrap()
}

#[test]
fn each_colour_says_how_many_and_how_much_and_what_changed_in_a_week_and_a_month() {
    let app = App::start();
    app.tell(&more());
    app.clock.set(instant("2025-08-20T10:00:00Z"));
    app.desk.settle().unwrap();
    app.tell(&[
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "post",
        "date": "2025-08-20", "planned_on": "2025-09-10" }),
    ]);
    let page = board(&app, Role::Admin, "");
    let tile = |light: &str| page.split(&format!("tile tile-{light}\"")).nth(1).unwrap().split("</li>").next().unwrap();
    for light in ["red", "orange", "yellow", "green"] {
        let now = count_of(&app, "2025-08-20T10:00:00Z", light);
        assert!(tile(light).contains(&format!("<b>{now}</b>")), "{light}: {}", tile(light));
        for (days, at) in [(7, "2025-08-13T16:00:00Z"), (30, "2025-07-21T16:00:00Z")] {
            let change = now - count_of(&app, at, light);
            let text = if change < 0 {
                format!("−{}", -change)
            } else if change > 0 {
                format!("+{change}")
            } else {
                "0".to_owned()
            };
            assert!(
                tile(light).contains(&format!("较 {days} 天前 <strong>{text}</strong>")),
                "{light}: {}",
                tile(light)
            );
        }
    }
    assert!(page.contains("无保障余额 "), "{page}");
    // What is chosen counts for the past, too.
    let none = board(&app, Role::Admin, "mall=nowhere");
    assert!(!none.contains("<strong>+"), "{none}");
}

#[test]
fn the_grid_of_streets_and_sectors_leads_to_its_merchants() {
    let app = App::start();
    app.tell(&more());
    app.alarm();
    let page = board(&app, Role::Admin, "grid=true");
    let row = page.split("<th scope=\"row\">中关村街道</th>").nth(1).unwrap().split("</tr>").next().unwrap().to_owned();
    let link = row.split("href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    assert_eq!(rows(&app.get(&link).role(Role::Admin).html().ok().text), [HERE], "{link}");
    assert!(!board(&app, Role::Admin, "").contains("中关村街道</th>"), "only when it is asked for");
    assert!(!board(&app, Role::Operator, "grid=true").contains("朝外街道"), "and of one's own only");
}

#[test]
fn a_file_holds_exactly_what_the_page_shows() {
    use calamine::{Data, Reader as _, Xlsx, open_workbook_from_rs};
    use std::io::Read as _;
    let app = App::start();
    app.tell(&more());
    let evil = json!({ "command": "register_merchant", "credit_code": "91110108MA11111110", "name": "=HYPERLINK(1)", "division_code": "110108" });
    app.tell(&[evil]);
    let query = "sort=-at_risk&cols=light&cols=outstanding&cols=code";
    let page = rows(&board(&app, Role::Admin, query));
    let reply = app.get(&format!("/board.csv?{query}")).role(Role::Admin).ok();
    assert!(reply.header("content-disposition").contains("warnlight-2025-06-30.csv"));
    let lines: Vec<Vec<String>> = reply
        .text
        .trim_start_matches('\u{FEFF}')
        .lines()
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect();
    assert_eq!(lines[0], ["灯色", "商户", "信用代码", "预收余额"]);
    assert_eq!(lines[1..].iter().map(|line| line[2].clone()).collect::<Vec<_>>(), page);
    assert!(reply.text.contains("'=HYPERLINK") && reply.text.contains("900000.00"), "{}", reply.text);
    let mut bytes = Vec::new();
    app.get(&format!("/board.xlsx?{query}"))
        .role(Role::Admin)
        .open()
        .into_body()
        .into_reader()
        .read_to_end(&mut bytes)
        .unwrap();
    let mut book: Xlsx<_> = open_workbook_from_rs(std::io::Cursor::new(bytes)).unwrap();
    let sheet = book.worksheet_range("Sheet1").unwrap();
    assert_eq!(sheet.rows().skip(1).map(|row| row[2].to_string()).collect::<Vec<_>>(), page);
    assert!(
        sheet.rows().any(|row| row[3] == Data::Float(900_000.0))
            && sheet.rows().any(|row| row[1] == Data::String("=HYPERLINK(1)".to_owned()))
    );
    // Whoever sees less takes less away.
    let own = app.get("/board.csv").role(Role::Operator).ok().text;
    assert!(own.contains("健身") && !own.contains("朝阳餐饮"), "{own}");
    let english = app.get("/board.csv").role(Role::Admin).header("accept-language", "en").ok().text;
    assert!(english.contains("Merchant") && !english.contains("商户"), "{english}");
}

#[test]
fn an_empty_board_says_what_to_do_first_and_one_without_a_match_that() {
    let app = App::start();
    assert!(board(&app, Role::Admin, "q=zzzz").contains("没有符合条件的商户"));
    let nobody = warnlight::domain::access::Scope {
        malls: vec!["别处".to_owned()],
        role: Role::Operator,
        ..warnlight::domain::access::Scope::everything()
    };
    let page = app.get("/").key(&app.key("elsewhere", nobody)).html().ok().text;
    assert!(page.contains("没有符合条件的商户"), "{page}");
}
