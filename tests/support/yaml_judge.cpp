// SPDX-License-Identifier: Apache-2.0
// Reads texts, each after a line with its length, and answers a line for each: what chaos makes of it as JSON, or `no`
// and why. For comparing with other readers of YAML.
#include <chaos/error.hpp>
#include <chaos/manifest.hpp>
#include <cstdio>
#include <iostream>
#include <string>

int main() {
    std::size_t size = 0;
    while (std::cin >> size) {
        std::cin.get();
        std::string text(size, '\0');
        std::cin.read(text.data(), static_cast<std::streamsize>(size));
        chaos::Sources sources;
        const auto source = sources.add("text", "/", text);
        try {
            std::printf("%s\n", to_json(chaos::parse_yaml(sources, source)).c_str());
        } catch (const chaos::Error& error) {
            std::string said = error.what();
            for (char& c : said)
                if (c == '\n') c = ' ';
            std::printf("no %u:%u %s\n", error.where.line, error.where.column, said.c_str());
        }
    }
}
