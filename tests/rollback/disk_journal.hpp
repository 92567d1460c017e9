// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "rollback/staged_host.hpp"

namespace chaos::test {

/// What the store does for a StagedHost, with files of a directory: whole or not at all, and there after a kill.
class DiskJournal final : public rollback::Journal {
public:
    explicit DiskJournal(std::string directory) : directory_(std::move(directory)) {
        ::mkdir(directory_.c_str(), 0700);
    }

    void announce(std::span<rollback::Operation* const> operations, const std::vector<std::string>& stages,
                  Durable durable) override {
        auto number = static_cast<std::int64_t>(this->operations().size());
        for (rollback::Operation* const operation : operations) operation->number = ++number;
        announced_.insert(announced_.end(), stages.begin(), stages.end());
        if (durable == Durable::now) put_intended(this->operations());
    }
    void intend(std::span<rollback::Operation* const> operations, const std::vector<Content>& blobs) override {
        for (const Content& blob : blobs) put(hex(blob.digest()), blob.bytes());
        std::vector<rollback::Operation> all = this->operations();
        for (const rollback::Operation* const operation : operations) all.push_back(*operation);
        put_intended(all);
        ++intentions;
    }

    Content blob(Digest digest) const override {
        std::ifstream in(directory_ + "/" + hex(digest), std::ios::binary);
        if (!in) throw Error("the bytes of " + hex(digest) + " are lost");
        return Content(std::string(std::istreambuf_iterator<char>(in), {}));
    }

    void fence(int pid, const Command&) override { fenced.push_back(pid); }
    void lift(int) override { ++lifted; }

    std::vector<rollback::Operation> operations() const {
        std::vector<rollback::Operation> out;
        for (const std::vector<std::string>& words : lines()) {
            if (words[0] == "stage") continue;
            rollback::Operation one;
            one.run = 7, one.number = std::stol(words[0]), one.path = words[1], one.staged = words[2];
            one.before = rollback::image_from_text(words[3]), one.after = rollback::image_from_text(words[4]);
            out.push_back(std::move(one));
        }
        return out;
    }
    std::vector<std::string> stages() const {
        std::vector<std::string> out;
        for (const std::vector<std::string>& words : lines())
            if (words[0] == "stage") out.push_back(words[1]);
        return out;
    }
    void forget() { ::unlink((directory_ + "/intended").c_str()); }

    int intentions = 0, lifted = 0;
    std::vector<int> fenced;

private:
    void put_intended(const std::vector<rollback::Operation>& operations) {
        std::vector<std::string> directories = this->stages();
        directories.insert(directories.end(), announced_.begin(), announced_.end());
        announced_.clear();
        std::ostringstream out;
        for (const std::string& stage : directories) out << "stage\t" << stage << '\n';
        for (const rollback::Operation& one : operations)
            out << one.number << '\t' << one.path << '\t' << one.staged << '\t' << to_text(one.before) << '\t'
                << to_text(one.after) << '\n';
        put("intended", out.str());
    }
    void put(const std::string& name, const std::string& bytes) const {
        const std::string path = directory_ + "/" + name, fresh = path + ".new";
        std::ofstream(fresh, std::ios::binary) << bytes;
        if (::rename(fresh.c_str(), path.c_str())) throw std::runtime_error("journal of the test: " + path);
    }
    std::vector<std::vector<std::string>> lines() const {
        std::vector<std::vector<std::string>> out;
        std::ifstream in(directory_ + "/intended");
        for (std::string line; std::getline(in, line);) {
            std::vector<std::string>& words = out.emplace_back(1);
            for (const char c : line) {
                if (c == '\t')
                    words.emplace_back();
                else
                    words.back() += c;
            }
        }
        return out;
    }

    std::string directory_;
    std::vector<std::string> announced_;
};

}  // namespace chaos::test
