// SPDX-License-Identifier: Apache-2.0
#include "package_lists.hpp"

#include <fmt/format.h>

#include <chaos/process.hpp>
#include <chaos/upgrades.hpp>

#include "history_view.hpp"
#include "site.hpp"

namespace chaos::cli {

namespace {

/// A host on which a package manager fetches its lists. They are no part of the state that runs record: what is fetched
/// is not taken back, and nothing else can be changed by this.
class Fetching final : public WritableHost {
public:
    Fetching(const RootHost& host, Console& console) : host_(host), console_(console) {}

    bool live() const override { return host_.live(); }
    bool superuser() const override { return host_.superuser(); }
    Entry look(const std::string& path, std::string* content, std::size_t most) const override {
        return host_.look(path, content, most);
    }
    std::vector<std::string> list(const std::string& path) const override { return host_.list(path); }
    Content content(const std::string& path) const override { return host_.content(path); }
    Output ask(const chaos::Command& command) const override { return host_.ask(command); }
    const Services& services() const override { return host_.services(); }
    std::string state_directory() const override { return host_.state_directory(); }

    void write(const std::string&, const Content&, const Meta&) override { refuse(); }
    void make_directory(const std::string&, const Meta&) override { refuse(); }
    void make_link(const std::string&, const std::string&, const Meta&) override { refuse(); }
    void set_meta(const std::string&, const Meta&) override { refuse(); }
    void remove(const std::string&) override { refuse(); }
    void remove_tree(const std::string&) override { refuse(); }
    void set_kernel(const std::string&, const std::string&) override { refuse(); }
    void control(UnitVerb, const std::string&) override { refuse(); }
    void says(const std::string& line) override { console_.remark(escape(line) + '\n'); }
    Output run(const chaos::Command& command) override {
        Child child(command, host_.root());
        child.release();
        return child.wait();
    }

private:
    [[noreturn]] static void refuse() { throw Error("fetching lists of packages changes nothing else"); }

    const RootHost& host_;
    Console& console_;
};

constexpr std::int64_t a_day = 86'400'000'000'000;

}  // namespace

void refresh_package_lists(Context& context, const World& world, bool changing) {
    const auto asked = context.options.refresh;
    const auto lists = package_lists(View(*world.host));
    if (lists.keeper.empty()) return;
    const auto now = right_now();
    const bool old = lists.fetched < now - a_day;
    const auto age = lists.fetched == 0 ? "were never fetched" : "were fetched " + ago(lists.fetched, now);
    if (asked == Refresh::always || (old && changing && asked == Refresh::automatic)) {
        if (!world.host->superuser())
            throw Error("fetching lists of packages needs root, and this is not root")
                .help("sudo chaos upgrade ...; with the lists there are: --refresh never");
        context.console.remark(fmt::format("{}'s lists {}: fetching them\n", lists.keeper, age));
        Fetching host(*world.host, context.console);
        try {
            fetch_package_lists(host);
        } catch (Error& error) {
            error.hint += (error.hint.empty() ? "" : "; ") + std::string("with the lists there are: --refresh never");
            throw;
        }
        return;
    }
    if (old) context.console.remark(fmt::format("{}'s lists {}: newer versions may not be known\n", lists.keeper, age));
}

}  // namespace chaos::cli
