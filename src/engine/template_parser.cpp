// SPDX-License-Identifier: Apache-2.0
// Templates become statements: text, `{{ }}`, `{% %}`, and the blanks around them.
#include <fmt/format.h>
#include <algorithm>
#include "expression_parser.hpp"
#include "utf8.hpp"

namespace chaos::language {

namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::string_view blanks = " \t\n\r\f\v";
constexpr int deepest = 100;

constexpr std::string_view tags[] = {"if",   "for",   "set",     "with",   "macro",   "call",   "filter",
                                     "raw",  "block", "include", "import", "extends", "from",   "autoescape",
                                     "elif", "else",  "endif",   "endfor", "endset",  "endraw", "endmacro"};

class TemplateParser {
public:
    TemplateParser(Parsed& out, Blanks options) : out_(out), text_(out.text), options_(options) {}

    void parse() {
        out_.body = body({});
        if (!ended_.empty())
            throw Mistake{tag_at_, fmt::format("'{}' ends nothing here", ended_),
                          "what it was to end has ended, or never began"};
    }

private:
    using Kind = Statement::Kind;

    /// Where the next tag is; text_.size() where there is none.
    std::size_t next_tag(std::size_t from) const {
        for (auto at = text_.find('{', from); at != npos && at + 1 < text_.size(); at = text_.find('{', at + 1))
            if (text_[at + 1] == '{' || text_[at + 1] == '%' || text_[at + 1] == '#') return at;
        return text_.size();
    }

    /// The text up to a tag, as the tag's sign says.
    std::string_view text_before(std::size_t from, std::size_t tag) const {
        auto text = text_.substr(from, tag - from);
        if (tag == text_.size()) return text;
        const char sign = tag + 2 < text_.size() ? text_[tag + 2] : '\0';
        if (sign == '-') return text.substr(0, text.find_last_not_of(blanks) + 1);
        if (!options_.lstrip_blocks || sign == '+' || text_[tag + 1] == '{') return text;
        const auto line = text.rfind('\n') + 1;
        const bool at_start = line > 0 || from == 0 || text_[from - 1] == '\n';
        if (at_start && text.find_first_not_of(" \t", line) == npos) return text.substr(0, line);
        return text;
    }

    /// Past the end of a tag, and what blanks go with it.
    void go_past(std::size_t closer, bool is_block) {
        at_ = closer + 2;
        const char sign = text_[closer - 1];
        if (sign == '-')
            at_ = std::min(text_.find_first_not_of(blanks, at_), text_.size());
        else if (is_block && options_.trim_blocks && sign != '+' && at_ < text_.size() && text_[at_] == '\n')
            ++at_;
    }

    void add_text(Body& body, std::string_view text, std::size_t at) {
        if (text.empty()) return;
        if (!body.empty() && body.back().kind == Kind::text) {
            body.back().name += text;
            return;
        }
        body.push_back({Kind::text, static_cast<std::uint32_t>(at), std::string(text)});
    }

    /// Statements up to one of the words; which one it was is in ended_, its tokens in tag_.
    Body body(std::initializer_list<std::string_view> until) {
        if (++depth_ > deepest) throw Mistake{at_, "this template is nested too deeply", ""};
        Body out;
        ended_.clear();
        while (at_ < text_.size()) {
            const auto tag = next_tag(at_);
            add_text(out, text_before(at_, tag), at_);
            at_ = tag;
            if (tag == text_.size()) break;
            if (text_[tag + 1] == '#')
                comment(tag);
            else if (text_[tag + 1] == '{')
                print(out, tag);
            else if (statement(out, tag, until))
                return --depth_, out;
        }
        --depth_;
        ended_.clear();
        return out;
    }

    void comment(std::size_t tag) {
        const auto end = text_.find("#}", tag + 2);
        if (end == npos)
            throw Mistake{tag, "this comment is never closed", "close it with #}; '{#' that is no comment: {{ '{#' }}"};
        go_past(end, true);
    }

    /// Begins to read what is between the braces of a tag; a sign at either end is no part of it.
    ExpressionParser open(std::size_t tag, std::string_view closer, std::size_t& end) {
        const bool sign =
            tag + 2 < text_.size() && (text_[tag + 2] == '-' || (text_[tag + 2] == '+' && closer == "%}"));
        const std::size_t from = tag + 2 + sign;
        end = closing(text_, from, closer);
        if (end == npos)
            throw Mistake{tag, fmt::format("this {} is never closed", text_.substr(tag, 2)),
                          fmt::format("close it with {}", closer)};
        const char last = text_[end - 1];
        const bool signed_end = end > from && (last == '-' || (last == '+' && closer == "%}"));
        return ExpressionParser(out_.tree, text_, from, end - signed_end);
    }

    void print(Body& out, std::size_t tag) {
        std::size_t end = 0;
        ExpressionParser inside = open(tag, "}}", end);
        Statement statement{Kind::print, static_cast<std::uint32_t>(tag)};
        statement.of = {inside.whole()};
        out.push_back(std::move(statement));
        go_past(end, false);
    }

    bool statement(Body& out, std::size_t tag, std::initializer_list<std::string_view> until) {
        std::size_t end = 0;
        tag_at_ = tag;
        ExpressionParser inside = open(tag, "%}", end);
        const Token word = inside.name("the name of a statement");
        if (std::find(until.begin(), until.end(), word.is) != until.end() || word.is.starts_with("end") ||
            word.is == "elif" || word.is == "else") {
            if (std::find(until.begin(), until.end(), word.is) == until.end())
                throw Mistake{word.at, fmt::format("'{}' was not expected here", word.is),
                              until.size() ? fmt::format("expected {}", fmt::join(until, " or ")) : ""};
            ended_ = word.is;
            if (ended_ == "endblock" && !inside.at_end()) {
                if (const auto name = inside.take(); name.is != block_)
                    throw Mistake{name.at, fmt::format("this ends the block '{}', not '{}'", block_, name.is), ""};
            }
            rest_.emplace(std::move(inside));
            if (ended_ != "elif") rest_->expect_end();
            go_past(end, true);
            return true;
        }
        if (word.is == "raw") {
            inside.expect_end();
            raw(out, tag, end);
            return false;
        }
        Statement made{Kind::text, static_cast<std::uint32_t>(tag)};
        read(made, word, inside, end);
        out.push_back(std::move(made));
        return false;
    }

    void raw(Body& out, std::size_t tag, std::size_t closer) {
        at_ = closer + 2;
        if (text_[closer - 1] == '-') at_ = std::min(text_.find_first_not_of(blanks, at_), text_.size());
        for (auto end = text_.find("{%", at_); end != npos; end = text_.find("{%", end + 2)) {
            auto word = end + 2;
            if (word < text_.size() && (text_[word] == '-' || text_[word] == '+')) ++word;
            word = std::min(text_.find_first_not_of(blanks, word), text_.size());
            if (!text_.substr(word).starts_with("endraw")) continue;
            auto close = std::min(text_.find_first_not_of(blanks, word + 6), text_.size());
            if (close < text_.size() && (text_[close] == '-' || text_[close] == '+')) ++close;
            if (!text_.substr(close).starts_with("%}")) continue;
            add_text(out, text_before(at_, end), at_);
            go_past(close, true);
            return;
        }
        throw Mistake{tag, "this raw is never closed", "close it with {% endraw %}"};
    }

    Body block_of(std::string_view what, std::size_t at, std::initializer_list<std::string_view> until) {
        Body inner = body(until);
        if (ended_.empty())
            throw Mistake{at, fmt::format("this {} is never closed", what),
                          fmt::format("close it with {{% end{} %}}", what)};
        return inner;
    }

    void read(Statement& made, const Token& word, ExpressionParser& inside, std::size_t end) {
        const auto finish = [&] { inside.expect_end(), go_past(end, true); };
        if (word.is == "if") return choose(made, inside, finish);
        if (word.is == "for") return loop(made, inside, finish);
        if (word.is == "set") return set(made, inside, finish);
        if (word.is == "with") return with(made, inside, finish);
        if (word.is == "macro") return macro(made, inside, finish);
        if (word.is == "call") return call(made, inside, finish);
        if (word.is == "filter") return filter(made, inside, finish);
        if (word.is == "block") return block(made, inside, finish);
        if (word.is == "include" || word.is == "import" || word.is == "from" || word.is == "extends") {
            other_template(made, word.is, inside);
            return finish();
        }
        if (word.is == "autoescape") {
            made.kind = Kind::autoescape, made.of = {inside.expression()};
            finish();
            made.bodies.push_back(block_of("autoescape", made.at, {"endautoescape"}));
            return;
        }
        throw Mistake{word.at, fmt::format("there is no statement '{}'", printable(word.is)), hint_for(word.is)};
    }

    static std::string hint_for(std::string_view word) {
        if (word == "do") return "write {% set _ = EXPRESSION %}";
        if (word == "break" || word == "continue") return "choose the items before: {% for x in list if CONDITION %}";
        if (word == "trans") return "a template has one language";
        const auto near = nearest(word, tags);
        return near.empty() ? "" : fmt::format("did you mean '{}'?", near);
    }

    template <class Finish>
    void choose(Statement& made, ExpressionParser& inside, Finish finish) {
        made.kind = Kind::choose;
        made.of = {inside.tuple(false)};
        finish();
        while (true) {
            made.bodies.push_back(block_of("if", made.at, {"elif", "else", "endif"}));
            if (ended_ == "endif") return;
            if (ended_ == "elif") {
                made.of.push_back(rest_->tuple(false));
                rest_->expect_end();
                continue;
            }
            made.bodies.push_back(block_of("if", made.at, {"endif"}));
            return;
        }
    }

    template <class Finish>
    void loop(Statement& made, ExpressionParser& inside, Finish finish) {
        made.kind = Kind::loop;
        made.targets = {inside.target(false)};
        if (made.targets[0].name == "loop")
            throw Mistake{made.targets[0].at, "'loop' is the loop itself", "give the item another name"};
        inside.expect_word("in");
        made.of = {inside.tuple(false, "recursive")};
        if (inside.take_word("if")) made.of.push_back(inside.expression());
        made.flag = inside.take_word("recursive");
        finish();
        made.bodies.push_back(block_of("for", made.at, {"endfor", "else"}));
        if (ended_ == "else") made.bodies.push_back(block_of("for", made.at, {"endfor"}));
    }

    template <class Finish>
    void set(Statement& made, ExpressionParser& inside, Finish finish) {
        made.targets = {inside.target(true)};
        if (inside.take_sign("=")) {
            made.kind = Kind::set, made.of = {inside.tuple(true)};
            return finish();
        }
        made.kind = Kind::set_block;
        made.subject = inside.literal(made.at, Datum::none());
        if (inside.take_sign("|")) made.of = {inside.filters(made.subject)};
        finish();
        made.bodies.push_back(block_of("set", made.at, {"endset"}));
    }

    template <class Finish>
    void with(Statement& made, ExpressionParser& inside, Finish finish) {
        made.kind = Kind::with;
        while (!inside.at_end()) {
            if (!made.of.empty()) inside.expect(",");
            made.targets.push_back(inside.target(false));
            inside.expect("=");
            made.of.push_back(inside.expression());
        }
        finish();
        made.bodies.push_back(block_of("with", made.at, {"endwith"}));
    }

    void signature(Statement& made, ExpressionParser& inside) {
        inside.expect("(");
        while (!inside.sign(")")) {
            Parameter parameter{std::string(inside.name("the name of a parameter").is), {}};
            if (inside.take_sign("="))
                parameter.otherwise = inside.expression();
            else if (!made.parameters.empty() && made.parameters.back().otherwise)
                throw Mistake{inside.token().at, "a parameter without a default stands before those with one", ""};
            made.parameters.push_back(std::move(parameter));
            if (!inside.take_sign(",")) break;
        }
        inside.expect(")");
    }

    template <class Finish>
    void macro(Statement& made, ExpressionParser& inside, Finish finish) {
        made.kind = Kind::macro;
        made.name = inside.name("the name of the macro").is;
        signature(made, inside);
        finish();
        made.bodies.push_back(block_of("macro", made.at, {"endmacro"}));
        note_uses(made);
    }

    /// Which of the names that a macro has by itself are used in it.
    void note_uses(Statement& made) const {
        for (const Node& node : out_.tree.nodes) {
            if (node.op != Node::Op::name || node.at < made.at || node.at >= at_) continue;
            if (node.name == "varargs") made.takes_more = true;
            if (node.name == "kwargs") made.takes_named = true;
            if (node.name == "caller") made.takes_caller = true;
        }
    }

    template <class Finish>
    void call(Statement& made, ExpressionParser& inside, Finish finish) {
        made.kind = Kind::call;
        if (inside.sign("(")) signature(made, inside);
        made.of = {inside.expression()};
        if (out_.tree.nodes[made.of[0]].op != Node::Op::call)
            throw Mistake{made.at, "call calls a macro", "write it as in {% call wrap('x') %}"};
        finish();
        made.bodies.push_back(block_of("call", made.at, {"endcall"}));
        note_uses(made);
        made.takes_caller = false;
    }

    template <class Finish>
    void filter(Statement& made, ExpressionParser& inside, Finish finish) {
        made.kind = Kind::filter;
        made.subject = inside.literal(made.at, Datum::none());
        made.of = {inside.filters(made.subject)};
        finish();
        made.bodies.push_back(block_of("filter", made.at, {"endfilter"}));
    }

    template <class Finish>
    void block(Statement& made, ExpressionParser& inside, Finish finish) {
        made.kind = Kind::block;
        const Token name = inside.name("the name of the block");
        made.name = name.is;
        if (std::find(blocks_.begin(), blocks_.end(), made.name) != blocks_.end())
            throw Mistake{name.at, fmt::format("the block '{}' is here twice", made.name), ""};
        blocks_.push_back(made.name);
        made.flag = inside.take_word("scoped");
        made.context = inside.take_word("required");
        if (!made.flag) made.flag = inside.take_word("scoped");
        finish();
        const std::string outer = std::exchange(block_, made.name);
        made.bodies.push_back(block_of("block", made.at, {"endblock"}));
        block_ = outer;
        if (made.context)
            for (const Statement& inner : made.bodies[0])
                if (inner.kind != Kind::text || inner.name.find_first_not_of(blanks) != npos)
                    throw Mistake{inner.at, "a required block has nothing but comments and blanks in it", ""};
    }

    void other_template(Statement& made, std::string_view word, ExpressionParser& inside) {
        made.of = {inside.expression()};
        if (word == "extends") {
            made.kind = Kind::extends;
        } else if (word == "include") {
            made.kind = Kind::include, made.context = true;
            if (inside.take_word("ignore")) inside.expect_word("missing"), made.flag = true;
            context(made, inside);
        } else if (word == "import") {
            made.kind = Kind::import;
            inside.expect_word("as");
            made.name = inside.name("a name").is;
            context(made, inside);
        } else {
            made.kind = Kind::from;
            inside.expect_word("import");
            imported_names(made, inside);
        }
    }

    void imported_names(Statement& made, ExpressionParser& inside) {
        while (!inside.at_end()) {
            if (!made.names.empty() && context(made, inside)) return;
            const Token token = inside.name("a name");
            std::string there(token.is), here = there;
            if (there.starts_with('_'))
                throw Mistake{token.at, "names that begin with _ belong to their template alone", ""};
            if (inside.take_word("as")) here = inside.name("a name").is;
            made.names.emplace_back(std::move(there), std::move(here));
            if (context(made, inside)) return;
            if (!inside.take_sign(",")) break;
        }
        if (made.names.empty()) throw Mistake{inside.token().at, "expected names to import", ""};
    }

    static bool context(Statement& made, ExpressionParser& inside) {
        if (!inside.word("with") && !inside.word("without")) return false;
        made.context = inside.take().is == "with";
        inside.expect_word("context");
        return true;
    }

    Parsed& out_;
    std::string_view text_;
    Blanks options_;
    std::size_t at_ = 0, tag_at_ = 0;
    int depth_ = 0;
    std::string ended_, block_;
    std::optional<ExpressionParser> rest_;
    std::vector<std::string> blocks_;
};

}  // namespace

std::string with_newlines(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
        out += text[i] == '\r' ? '\n' : text[i];
    }
    return out;
}

std::shared_ptr<const Parsed> parse_template(std::string text, Blanks options) {
    auto parsed = std::make_shared<Parsed>();
    parsed->text = std::move(text);
    TemplateParser(*parsed, options).parse();
    return parsed;
}

}  // namespace chaos::language
