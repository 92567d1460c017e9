// SPDX-License-Identifier: Apache-2.0
#include "database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/statvfs.h>

namespace chaos::rollback {

Error damaged(const std::string& path, const std::string& what) {
    return Error(fmt::format("the store {} is damaged: {}", path, what))
        .help(fmt::format(
            "nothing was changed; keep a copy (cp -a {0} {0}.kept), then: chaos history verify says what of it is "
            "lost, and chaos history repair makes a sound one of the rest",
            path.substr(0, path.rfind('/'))));
}

namespace {

Error no_space(const std::string& path, const std::string& directory) {
    return Error(fmt::format("no space left for the store {}", path)).help("df -h " + directory);
}

Error other_error(const std::string& path, int code, const std::string& message) {
    const std::string kind = sqlite3_errstr(code);
    return Error(fmt::format("the store {}: {}{}", path, message, kind == message ? "" : " (" + kind + ")"));
}

}  // namespace

Database::Database(std::string path) : path_(std::move(path)) {
    try {
        // Looking, too, opens for writing: only so may SQLite tidy up the log's index; query_only keeps data as it is.
        if (sqlite3_open_v2(path_.c_str(), &it_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK)
            fail();
        sqlite3_extended_result_codes(it_, 1);
        sqlite3_busy_timeout(it_, 5000);
        sqlite3_db_config(it_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
        run("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=ON; "
            "PRAGMA query_only=ON;");
    } catch (...) {
        close();
        throw;
    }
}

void Database::allow_changes(Journal journal) {
    // A run's changes fit: pages that go to the log before the commit are read from there again.
    run("PRAGMA query_only=OFF; PRAGMA cache_size=-16384;");
    // It counts only before the first table, and saying it again would be a commit of its own.
    if (constexpr int incremental = 2; number("PRAGMA auto_vacuum") != incremental)
        run("PRAGMA auto_vacuum=INCREMENTAL;");
    run(journal == Journal::log ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                : "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA;");
}

Database::~Database() {
    close();
}

void Database::close() noexcept {
    for (auto& [sql, statements] : idle_)
        for (sqlite3_stmt* statement : statements) sqlite3_finalize(statement);
    idle_.clear();
    sqlite3_close_v2(it_);
    it_ = nullptr;
}

void Database::fail() const {
    const int code = it_ ? sqlite3_extended_errcode(it_) : SQLITE_NOMEM;
    const std::string message = it_ ? sqlite3_errmsg(it_) : "out of memory";
    const std::string directory = path_.substr(0, path_.rfind('/'));
    struct statvfs place {};
    const bool known = ::statvfs(directory.c_str(), &place) == 0;
    switch (code & 0xff) {
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT: throw damaged(path_, message);
        case SQLITE_BUSY: throw Busy(fmt::format("the store {} is being written to by somebody else", path_));
        case SQLITE_FULL: throw OutOfReach(no_space(path_, directory));
        case SQLITE_IOERR:  // what is mapped beside it could not grow
            if (known && place.f_bavail == 0) throw OutOfReach(no_space(path_, directory));
            throw OutOfReach(other_error(path_, code, message));
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
            if (known && (place.f_flag & ST_RDONLY))
                throw Error(fmt::format("the store {} can not be changed: its file system is mounted read-only", path_))
                    .help("looking commands (history, show, plan) can be used as it is");
            throw OutOfReach(other_error(path_, code, message));
        default: throw other_error(path_, code, message);
    }
}

sqlite3_stmt* Database::take(std::string_view sql) {
    if (const auto kept = idle_.find(sql); kept != idle_.end() && !kept->second.empty()) {
        sqlite3_stmt* statement = kept->second.back();
        kept->second.pop_back();
        return statement;
    }
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(it_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                           nullptr) != SQLITE_OK)
        fail();
    return statement;
}

void Database::give_back(sqlite3_stmt* statement) noexcept {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    try {
        const std::string_view sql = sqlite3_sql(statement);
        auto kept = idle_.find(sql);
        if (kept == idle_.end()) kept = idle_.try_emplace(std::string(sql)).first;
        kept->second.push_back(statement);
    } catch (...) {
        sqlite3_finalize(statement);
    }
}

void Database::bind(sqlite3_stmt* statement, std::initializer_list<Parameter> parameters, bool copy) {
    int at = 0;
    const auto life = copy ? SQLITE_TRANSIENT : SQLITE_STATIC;
    for (const Parameter& p : parameters) {
        ++at;
        // A null pointer would bind NULL where an empty text is meant.
        const char* bytes = p.text.data() ? p.text.data() : "";
        switch (p.kind) {
            case Parameter::Kind::nothing: sqlite3_bind_null(statement, at); break;
            case Parameter::Kind::integer: sqlite3_bind_int64(statement, at, p.integer); break;
            case Parameter::Kind::text:
                sqlite3_bind_text64(statement, at, bytes, p.text.size(), life, SQLITE_UTF8);
                break;
            case Parameter::Kind::bytes: sqlite3_bind_blob64(statement, at, bytes, p.text.size(), life); break;
        }
    }
}

bool Database::step(sqlite3_stmt* statement) {
    const int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE) fail();
    return code == SQLITE_ROW;
}

Database::Rows Database::ask(std::string_view sql, std::initializer_list<Parameter> parameters) {
    return Rows(*this, sql, parameters, true);
}

std::int64_t Database::change(std::string_view sql, std::initializer_list<Parameter> parameters) {
    Rows rows(*this, sql, parameters, false);
    while (rows.next()) continue;
    return sqlite3_changes64(it_);
}

void Database::run(const std::string& script) {
    if (sqlite3_exec(it_, script.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

std::int64_t Database::number(const std::string& question) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(it_, question.c_str(), -1, &statement, nullptr) != SQLITE_OK) fail();
    const int code = sqlite3_step(statement);
    const std::int64_t answer = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE) fail();
    return answer;
}

std::int64_t Database::last_row() const {
    return sqlite3_last_insert_rowid(it_);
}
bool Database::in_transaction() const {
    return sqlite3_get_autocommit(it_) == 0;
}

std::string Database::damage() {
    auto row = ask("PRAGMA quick_check(1)");
    if (!row.next()) return "quick_check answers nothing";
    return row.text(0) == "ok" ? std::string() : std::string(row.text(0));
}

Database::Rows::Rows(Database& database, std::string_view sql, std::initializer_list<Parameter> parameters, bool copy)
    : database_(database), it_(database.take(sql)) {
    bind(it_, parameters, copy);
}
Database::Rows::~Rows() {
    database_.give_back(it_);
}
bool Database::Rows::next() {
    return database_.step(it_);
}
bool Database::Rows::null(int column) const {
    return sqlite3_column_type(it_, column) == SQLITE_NULL;
}
std::int64_t Database::Rows::integer(int column) const {
    return sqlite3_column_int64(it_, column);
}
std::string_view Database::Rows::text(int column) const {
    const void* bytes = sqlite3_column_blob(it_, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(it_, column));
    return {static_cast<const char*>(bytes), bytes ? size : 0};
}

}  // namespace chaos::rollback
