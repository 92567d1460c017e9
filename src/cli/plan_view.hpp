// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chaos/transaction.hpp>
#include <chaos/upgrades.hpp>
#include <functional>

#include "attribute_view.hpp"
#include "console.hpp"
#include "lockout.hpp"

namespace chaos::cli {

/// What a plan does to one resource, ready to be shown.
struct ChangeView {
    enum class Action : char { create, change, remove, react } action = Action::change;
    std::string id;
    std::string reaction;               ///< restart, reload or run; empty where it only becomes what it shall be.
    std::vector<std::string> triggers;  ///< What it reacts to, of this plan.
    std::vector<AttributeView> attributes;
    std::string where;     ///< site.yml:12:3
    std::string doc;       ///< As the manifest has it.
    std::string note;      ///< What is to be said of it beside its attributes.
    std::string because;   ///< Came along with this one.
    bool leaving = false;  ///< It is not in the manifest any more.
    Cost cost{};
    Undo undo = Undo::exact;  ///< How well it can be taken back.
    std::size_t step = 0;     ///< Which call, from 1.
    std::vector<std::size_t> waits_for;
};
std::string_view to_text(ChangeView::Action);
std::string_view undo_text(Undo);

/// A plan, ready to be shown, in the order in which it would run.
struct PlanView {
    std::string title;  ///< The site, or what is taken back.
    std::vector<ChangeView> changes;
    std::vector<Conflict> conflicts;  ///< What stays as somebody else made it.
    std::vector<Decided> decided;     ///< Conflicts that are none any more.
    std::vector<Superseded> superseded;
    std::vector<ResourceId> stayed;      ///< What was run and can not be taken back.
    std::vector<std::string> settles;    ///< What starts or reads anew when all is back.
    std::vector<Upgrades::Stays> stays;  ///< Packages of which there is a newer version, and which are not upgraded.
    /// What is asked when all is done.
    struct Asked {
        std::string check, wish;
        std::int64_t within_s = 0;
        std::string doc, where;
    };
    std::vector<Asked> checks;
    Confirmation confirmation;
    std::size_t resources = 0;
    std::string unseen;  ///< Whose state is not known, because only its facts were recorded: all of it is to be made.
    std::size_t creates() const { return number(ChangeView::Action::create); }
    std::size_t alters() const { return number(ChangeView::Action::change); }
    std::size_t removes() const { return number(ChangeView::Action::remove); }
    std::size_t number(ChangeView::Action) const;
    Cost cost() const;                                                   ///< Of all changes.
    std::vector<std::pair<std::string, std::size_t>> reactions() const;  ///< restart: 2, run: 1
    std::string next;  ///< The command to type next; empty where there is none.

    void forget_changes();  ///< Where they were shown, and nothing else will ask for them.
};

PlanView view_of(const Catalog&, const Plan&, const Sources&, const Detail&);
std::vector<PlanView::Asked> asked_of(const Site&, const Sources&);
std::string summary(const PlanView&);  ///< "3 to create, 1 to change, 0 to remove, 1 to restart; 1.2 MiB to fetch"

Json to_json(const PlanView&);
std::string render(const PlanView&, Style, bool verbose);
/// The same piece by piece: of a large site it is as large as the plan.
void render(const PlanView&, Style, bool verbose, const std::function<void(std::string_view)>& piece);
void show(Console&, const PlanView&);       ///< As Console::show does, piece by piece.
void show_text(Console&, const PlanView&);  ///< Likewise, and nothing where --json gives it at the end.
Json to_json(const Conflict&);
std::string render(const Conflict&, Style);
std::string render(const Decided&, Style);
std::string render(const Superseded&, Style);
std::string render_stayed(const std::vector<ResourceId>&, Style);

}  // namespace chaos::cli
