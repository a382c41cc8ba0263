//! The catalogue: every text of the command line in Chinese and English.

use super::said::Text;

macro_rules! catalogue {
    ($($(#[$when:meta])? $name:ident: $zh:literal, $en:literal;)+) => {
        $($(#[$when])? pub(super) const $name: Text = Text { zh: $zh, en: $en };)+
        /// Every text, for the test that looks at all of them.
        #[cfg(test)]
        const ALL: &[Text] = &[$($(#[$when])? $name),+];
    };
}

catalogue! {
    // Service.
    LISTENING: "服务地址：{0}", "listening on {0}";
    NO_KEY_YET: "还没有人能登录：请先停止服务，再运行 `warnlight key create`", "nobody can log in yet: stop the service and run `warnlight key create`";
    NO_KEY_YET_SHARED: "还没有人能登录：请用另一个 `--data` 和相同的 `log.url` 运行 `warnlight key create`", "nobody can log in yet: with another `--data` and the same `log.url`, run `warnlight key create`";
    SERVER_STOPPED: "服务已停止：{0}", "the server stopped: {0}";
    NO_SIGNALS: "无法接收系统信号：{0}", "signals cannot be heard: {0}";
    NO_THREAD: "无法启动线程：{0}", "a thread cannot be started: {0}";
    OUTPUT_UNWRITABLE: "输出无法写入：{0}", "the output cannot be written: {0}";

    // Withdrawals.
    IMPORT_ID: "导入编号：{0}（撤回：`warnlight withdraw {0} --reason 原因`）", "import {0} (to take it back: `warnlight withdraw {0} --reason WHY`)";
    WITHDRAWN: "已撤回：{0} 条记录不再计入，涉及 {1} 家商户、{2} 件工单（{3}，{4}：{5}）", "withdrawn: {0} events about {1} merchants and {2} tickets count no longer ({3}, by {4}: {5})";
    WOULD_WITHDRAW: "撤回后 {0} 条记录不再计入，涉及 {1} 家商户、{2} 件工单", "{0} events about {1} merchants and {2} tickets would count no longer";
    LIGHT_BECOMES: "{0} {1}：由{2}变为{3}", "{0} {1}: {2} → {3}";
    MORE_LIGHTS: "另有 {0} 家的灯变化", "and {0} more lights change";
    LEANING: "之后的文件中有 {0} 行与当时已有内容一致，未重复登记；其中依托本次导入的，请换文件名再次导入这些文件", "files taken later had {0} rows that said what stood already and were not recorded again; where they rested on this import, import those files again under another name";
    LEANING_FILE: "  {0}：{1} 行", "  {0}: {1}";

    // Profiles.
    PROFILE_ID: "编号@版本", "id@version";
    PROFILE_NAME: "来源", "source";
    PROFILE_SHEET: "表", "sheet";
    CASE_DIFFERS: "{0}：「{1}」一例不符：{2}", "{0}: `{1}`: {2}";
    CASES_TRIED: "共 {0} 例，{1} 例不符", "{0} cases, {1} came out otherwise";
    FILE_UNREADABLE: "文件无法读取：{0}", "the file cannot be read: {0}";
    NO_HEADER_TO_PROPOSE: "文件开头没有找到表头", "no row with headers was found at the beginning of the file";
    PROFILE_KNOWN: "该文件已可按 `{0}` 读取", "the file is read already, by the profile `{0}`";

    // Routes.
    ROUTES_FIT: "收件人名单无误：{0} 条路由，{1} 项预期均符合", "the list of recipients fits: {0} entries, {1} expectations hold";
    ROUTED_BY: "{0}：行业 {1}（{2}），地点 {3}", "{0}: sector {1} ({2}), place {3}";
    SECTOR_ASSIGNED: "人工认定", "assigned by hand";
    SECTOR_BY_CODE: "按行业代码", "by the industry code";
    SECTOR_UNDETERMINED: "待定，由专班办公室认定", "undetermined: the lead office decides";
    TOLD_OFFICER: "亮灯、逾期第一步", "of the light, and first of what is late";
    TOLD_HEAD: "逾期：负责人", "of what is late: the head";
    TOLD_LEAD: "逾期：专班办公室", "of what is late: the lead office";
    TOLD_NOBODY: "无人：名单中没有适用的条目", "nobody: no entry of the list fits";
    TOLD_BECAUSE: "    依据 {0}：行业 {1}，地点 {2}", "    because of {0}: sector {1}, place {2}";
    STANDS_IN: "    {0} 代 {1}", "    {0} stands in for {1}";

    // Demonstration.
    NO_TEMPORARY_FOLDER: "无法建立临时文件夹：{0}", "no temporary folder can be made: {0}";
    NO_DEMO_LOG: "无法写入 `{0}`：{1}", "`{0}` cannot be written: {1}";
    ENTERING_HISTORY: "正在录入 {0} 家商户一年的历史……", "entering a year of history of {0} merchants…";
    OPEN_THE_DEMO: "请打开 {0}", "open {0}";
    NO_DEMO_KEYS: "无法写入 `{0}`：{1}", "`{0}` cannot be written: {1}";
    DEMO_KEYS: "\n调用接口用的密钥：{0}", "\nkeys for the API: {0}";
    DEMO_MAILS: "邮件：{0}", "mails: {0}";
    DEMO_LOG: "运行日志：{0}", "log: {0}";
    A_DAY_LASTS: "一天持续 {0} 秒；按 Ctrl-C 结束演示", "a day lasts {0} seconds; Ctrl-C ends the demonstration";
    DEMO_BROKE_OFF: "演示中断", "the demonstration broke off";

    // Import.
    NO_SUCH_PATH: "没有 `{0}`", "there is no `{0}`";
    NO_SUCH_PROFILE: "没有格式 `{0}`；`warnlight profile list` 列出所有格式", "there is no profile `{0}`; `warnlight profile list` names them";
    FEEDBACK_WRITTEN: "{0} 件工单的反馈已写入 {1}", "feedback on {0} tickets is in {1}";
    NOTHING_READ: "{0}：没有可读取的行", "{0}: no row in it could be read";
    REFUSED: "拒绝", "refused";
    WARNING: "提示", "warning";
    AND_ALIKE: "……同类问题另有 {0} 行", "… and {0} more rows alike";
    AND_MORE_REFUSED: "……另有 {0} 条拒绝", "… and {0} more refused";
    AND_MORE_WARNINGS: "……另有 {0} 条提示", "… and {0} more warnings";
    PAPERS: "回执和被拒绝的行：{0}", "receipts and refused rows: {0}";
    DRY_RUN: "试运行：未写入任何内容", "dry run: nothing was written";
    TAKEN_BEFORE: "{0} 个文件此前已导入（名称和内容都相同），本次不改变任何内容；要让其内容重新生效，请换文件名再导入", "{0} files were taken in before (same name, same content) and change nothing now; to have one count again, import it under another name";
    LEFT_WAITING: "{0} 张工单没有信用代码、也不能确定是哪家商户，已转入待认领，认领前不计入任何商户", "{0} tickets have no credit code and nothing tells for sure whom they mean: they wait for a person (待认领) and count for nobody until then";
    NO_LIGHT_CHANGED: "没有灯变化", "no light changed";
    LIGHTS_CHANGED: "{0} 盏灯有变化：{1}", "{0} lights changed: {1}";
    CHANGED_TO: "变为{0} {1}", "{1} to {0}";
    HISTORY_MAILS_NOBODY: "本次按历史数据录入，未通知任何人；如需发邮件请用 `--notify`", "this was entered as history, so nobody was mailed; `--notify` asks for mail";
    MAILS_REQUESTED: "已请求 {0} 封邮件", "{0} mails were asked for";
    SERVICE_LOST: "服务在答复前中断：回执中标为 not_known 的行可能已记录、也可能未记录；请再次运行同一导入，已记录的内容不会重复", "{0}";
    RECEIPT_UNWRITABLE: "`{0}` 无法写入：{1}", "`{0}` cannot be written: {1}";
    TALLY_ROWS: "行数", "ROWS";
    TALLY_ACCEPTED: "接收", "ACCEPTED";
    TALLY_QUEUED: "待认领", "QUEUED";
    TALLY_UNCHANGED: "未变", "UNCHANGED";
    TALLY_REFUSED: "拒绝", "REFUSED";
    TALLY_WARNINGS: "提示", "WARNINGS";

    // Lights.
    NOTHING_KNOWN: "当时对 `{0}` 一无所知；请核对代码和 `--at`", "nothing is known about `{0}` at that time; check the code and `--at`";
    CREDIT_CODE: "统一社会信用代码", "CREDIT CODE";
    NAME: "名称", "NAME";
    LIGHT: "灯", "LIGHT";
    REASONS: "原因", "REASONS";
    RULE_HEAD: "{0}（{1}，规则 {2} 第 {3} 版）", "{0} ({1}, rule {2}, version {3})";
    CLAUSE: "条款", "clause";
    FACT: "事实", "fact ";
    EVENT: "事件", "event";
    MISSING_VALUE: "缺失", "missing";

    // Keys.
    REVOKED_KEY: "已吊销 `{0}`；用它开始的会话已结束", "revoked `{0}`; sessions begun with it are over";
    KEY_MADE: "密钥 `{0}`，发给{1}（{2}）；只显示这一次", "key `{0}` for {1} ({2}); it is shown this once";
    UNKNOWN_SECTOR: "没有行业 `{0}`；请用下列之一：{1}", "there is no sector `{0}`; use one of {1}";
    UNKNOWN_DIVISION: "没有登记在区划 `{0}` 的商户；请核对，或加 `--new` 表示就是要用它", "no merchant is in division `{0}`; check it, or say `--new` if it is meant";
    UNKNOWN_MALL: "没有商户登记在商场 `{0}`；已知：{1}；请核对，或加 `--new` 表示就是要用它", "no merchant has a shop in the mall `{0}`; known are {1}; check it, or say `--new` if it is meant";
    NONE_KNOWN: "无", "none";
    EXPIRY_PAST: "`--expires-at {0}` 已经过去；请给一个将来的时间", "`--expires-at {0}` is in the past; give a time to come";
    KEY_ID: "编号", "id";
    KEY_NAME: "名称", "name";
    KEY_ROLE: "角色", "role";
    KEY_SCOPE: "范围", "scope";
    KEY_CREATED: "建立日期", "created";
    KEY_STATE: "状态", "state";
    STATE_REVOKED: "已吊销", "revoked";
    STATE_EXPIRED: "已过期", "expired";
    STATE_VALID: "有效", "valid";

    // The log.
    SOUND: "完好：{0} 条事件，{1} 字节，摘要 {2}", "sound: {0} events, {1} bytes, digest {2}";
    BACKED_UP: "已备份：{0} 条事件，{1} 字节，摘要 {2}", "backed up: {0} events, {1} bytes, digest {2}";
    RESTORED: "已恢复：{0} 条事件，{1} 字节，摘要 {2}", "restored: {0} events, {1} bytes, digest {2}";
    MOVED: "已复制：{0} 条事件，{1} 字节，摘要 {2}", "moved: {0} events, {1} bytes, digest {2}";
    SAME_LIGHTS: "两边的 {0} 盏灯一致", "{0} lights are the same on both sides";
    LIGHTS_DIFFER: "副本的灯与日志的不同；请勿使用副本", "the lights of the copy differ from those of the log; do not use the copy";
    TWO_PLACES: "`--from` 和 `--to` 应为不同的日志，其中至多一个是 `sqlite://DIR`", "`--from` and `--to` must be different logs, at most one of them `sqlite://DIR`";
    #[cfg(not(feature = "cluster"))]
    NO_SUCH_PLACE: "应为 `sqlite://DIR` 或 `postgres://…`；`esdb://…` 需要以 `--features cluster` 构建的程序", "write `sqlite://DIR` or `postgres://…`; `esdb://…` needs a program built with `--features cluster`";
    NO_CHECKPOINTS: "检查点：无", "checkpoints: none";
    TRUSTED: "可信", "trusted";
    NOT_TRUSTED: "不可信", "not trusted";
    NO_CHECKPOINTS_BY: "检查点：密钥 {0}（{1}）没有签过", "checkpoints: none by key {0} ({1})";
    CHECKPOINTS_BY: "检查点：密钥 {1}（{2}）签了 {0} 个，自位置 {3}（签于 {4}）至位置 {5}（签于 {6}）", "checkpoints: {0} by key {1} ({2}), from position {3} signed at {4} to position {5} signed at {6}";
    TRUSTED_UP_TO: "可信至位置 {0}，签于 {1}", "trusted up to position {0}, signed at {1}";
    TRUSTED_UP_TO_NONE: "没有可信的位置：没有可信密钥签的检查点", "trusted up to no position: there is no checkpoint by a trusted key";

    // Simulation.
    DAYS_IN_WRONG_ORDER: "`--until {0}` 早于 `--from {1}`；请给更晚的日期", "`--until {0}` is before `--from {1}`; give a later day";
    WRITTEN: "`{0}`：{1} 家商户，{2} 行", "`{0}`: {1} merchants, {2} rows";

    // Values of the command line.
    NO_DAY: "`{0}` 不是日期；请写成 2025-06-30", "`{0}` is not a day; write it like 2025-06-30";
    NO_INSTANT: "`{0}` 不是时刻；请写成 2025-06-30T18:00:00+08:00，或 2025-06-30 表示当天零点", "`{0}` is not an instant; write it like 2025-06-30T18:00:00+08:00, or 2025-06-30 for 00:00";
    INSTANT_TOO_FAR: "`{0}` 不在 1990 年至 2100 年之间", "`{0}` is not between the years 1990 and 2100";
    NO_KEY_ID: "`{0}` 不是密钥编号；`warnlight key list` 列出所有编号", "`{0}` is not the id of a key; `warnlight key list` shows all ids";
    NO_CREDIT_CODE: "`{0}` 不是统一社会信用代码，应为 18 位数字和大写字母", "`{0}` is not a unified social credit code, which has 18 digits and capital letters";
    NO_ROLE: "`{0}` 不是角色；请用 operator、regulator、bank、lead、admin 或 merchant", "`{0}` is not a role; use operator, regulator, bank, lead, admin or merchant";
    NO_LIGHT: "`{0}` 不是灯色；请用 red、orange、yellow、unknown 或 green", "`{0}` is not a light; use red, orange, yellow, unknown or green";
    NO_PUBLIC_KEY: "`{0}` 不是公钥；应为 64 位十六进制的 Ed25519 公钥", "`{0}` is not a public key, which is 64 letters of hex (Ed25519)";
    NO_NUMBER: "`{0}` 不是 {1} 至 {2} 之间的整数", "`{0}` is not a whole number from {1} to {2}";

    // A command line that makes no sense.
    BAD_VALUE: "`{1}` 的值 `{0}` 无法使用", "the value `{0}` of `{1}` cannot be used";
    UNKNOWN_ARGUMENT: "没有 `{0}` 这个参数", "there is no argument `{0}`";
    UNKNOWN_COMMAND: "没有 `{0}` 这个命令", "there is no command `{0}`";
    MISSING_ARGUMENT: "缺少 {0}", "{0} is missing";
    MISSING_COMMAND: "请给出一个命令", "give a command";
    CONFLICTING: "`{0}` 不能这样使用（可能重复，或与其他参数冲突）", "`{0}` cannot be used like this: it was given twice, or does not go with another argument";
    NO_VALUE: "`{0}` 需要一个值", "`{0}` needs a value";
    NOT_UNDERSTOOD: "命令行无法理解", "the command line is not understood";
    TRY_HELP: "`warnlight --help` 说明所有命令", "`warnlight --help` explains all commands";

    // Errors of the log and the settings.
    LOG_DAMAGED: "日志在位置 {0} 处已损坏：{1}；请恢复备份", "{2}";
    LOG_NEWER: "`{0}` 由更新版本的 Warnlight 写成；请升级 Warnlight", "{1}";
    LOG_LOCKED: "`{0}` 正被另一个 Warnlight 进程使用；请先停止它，或通过 HTTP 与它交互", "{1}";
    LOG_EXISTS: "`{0}` 已经存在；请换一个位置，或先将它移走", "{1}";
    LOG_FULL: "磁盘已满；未写入任何内容", "{0}";
    LOG_UNAVAILABLE: "日志不可用：{0}", "{1}";
    LOG_IN_DOUBT: "未能确认是否已写入日志，可能已记录、也可能未记录；请用同一幂等键或同一文件重新提交，已记录的内容不会重复（{0}）", "{1}";
    LOG_INVALID: "日志未接收：{0}", "{1}";
    LOG_OTHER: "日志未照办：{0}", "{0}";
    SETTINGS_WRONG: "设置有误：\n{0}", "{0}";
    KEY_NOT_FOUND: "没有密钥 `{0}`；`warnlight key list` 列出所有密钥", "{1}";
    KEY_LAST_ADMIN: "这是最后一个有效的管理员密钥，不能吊销；请先建立另一个管理员密钥", "{0}";
    CHECKPOINT_FALSE: "检查点不实：{0}", "{0}";
    POLICIES_WRONG: "规则或收件人文件有误：{0}", "{0}";
    FAILED: "未能完成：{0}", "{0}";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<&str> {
        let mut places: Vec<&str> =
            text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(place, _)| place).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    #[test]
    fn every_text_exists_in_both_languages() {
        for text in ALL {
            assert!(!text.en.is_empty());
            let chinese = text.zh.chars().any(|letter| ('\u{4E00}'..='\u{9FFF}').contains(&letter));
            assert!(chinese, "{}", text.zh);
            // An English text that is another room's own words needs fewer places, and no others.
            let own_words = text.en.starts_with('{') && text.en.len() == 3;
            assert!(own_words || places(text.zh) == places(text.en), "{}", text.en);
        }
    }
}
