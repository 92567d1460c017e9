// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/error.hpp>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace chaos::rollback {

/// Bytes for a column, as opposed to text.
struct Bytes {
    std::string_view bytes;
};

/// One value for a column. Refers to what it was made from.
struct Parameter {
    enum class Kind : char { nothing, integer, text, bytes } kind = Kind::nothing;
    std::int64_t integer = 0;
    std::string_view text{};

    Parameter(std::nullptr_t) {}
    template <std::integral I>
    Parameter(I value) : kind(Kind::integer), integer(static_cast<std::int64_t>(value)) {}
    Parameter(std::string_view value) : kind(Kind::text), text(value) {}
    Parameter(const std::string& value) : kind(Kind::text), text(value) {}
    Parameter(const char* value) : kind(Kind::text), text(value) {}
    Parameter(Bytes value) : kind(Kind::bytes), text(value.bytes) {}
};

/// The database, or what SQLite has to make beside it, can not be had where it lies: no room, no right, a bad disk. A
/// copy elsewhere may do for looking.
class OutOfReach : public Error {
public:
    explicit OutOfReach(Error why) : Error(std::move(why)) {}
};

/// An SQLite database file that is open, and every statement prepared on it so far.
///
/// The only class that knows SQLite. What goes wrong is an Error that names the file and what to do; a damaged file is
/// never written to. A statement is kept by its text and used again, so texts shall be few.
class Database {
public:
    /// How a commit becomes durable. log: WAL with synchronous=FULL. old_pages: DELETE with synchronous=EXTRA, where
    /// shared memory maps can not be relied on.
    enum class Journal : char { log, old_pages };

    /// The file must be there (an empty one is a new database). No statement can write yet.
    explicit Database(std::string path);
    ~Database();  ///< The last one to close it brings the log back into the file.
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// From now on statements can write. A database that is damaged, or not ours, must be found out before.
    void allow_changes(Journal);

    /// The rows of a question, one after the other: `for (auto row = database.ask(...); row.next();)`.
    class Rows {
    public:
        ~Rows();
        Rows(const Rows&) = delete;
        Rows& operator=(const Rows&) = delete;

        bool next();
        bool null(int column) const;
        std::int64_t integer(int column) const;
        std::string_view text(int column) const;  ///< Text or bytes; good until next().

    private:
        friend class Database;
        Rows(Database&, std::string_view sql, std::initializer_list<Parameter>, bool copy);
        Database& database_;
        sqlite3_stmt* it_;
    };

    Rows ask(std::string_view sql, std::initializer_list<Parameter> = {});
    std::int64_t change(std::string_view sql, std::initializer_list<Parameter> = {});  ///< How many rows.
    void run(const std::string& script);               ///< Statements that answer nothing and are not kept.
    std::int64_t number(const std::string& question);  ///< First column of the first row, 0 where there is none.

    std::int64_t last_row() const;  ///< Number of the row inserted last.
    bool in_transaction() const;
    const std::string& path() const { return path_; }

    /// Empty where the pages hang together; else the first thing that is wrong. Reads the whole file.
    std::string damage();

private:
    sqlite3_stmt* take(std::string_view sql);
    void give_back(sqlite3_stmt*) noexcept;
    static void bind(sqlite3_stmt*, std::initializer_list<Parameter>, bool copy);
    bool step(sqlite3_stmt*);
    void close() noexcept;
    [[noreturn]] void fail() const;

    std::string path_;
    sqlite3* it_ = nullptr;
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    std::unordered_map<std::string, std::vector<sqlite3_stmt*>, Hash, std::equal_to<>> idle_;
};

/// The Error for a store that can not be relied on any more. Nothing has been changed in it.
Error damaged(const std::string& path, const std::string& what);

}  // namespace chaos::rollback
