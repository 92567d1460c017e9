// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <streambuf>
#include <string_view>

namespace chaos {

/// Two texts that stay where they are, one behind the other, for yaml-cpp to read.
class TextBuffer : public std::streambuf {
public:
    TextBuffer(std::string_view first, std::string_view second) : second_(second) { read(first); }

protected:
    int_type underflow() override {
        if (gptr() == egptr() && !second_.empty()) {
            read(second_);
            second_ = {};
        }
        return gptr() == egptr() ? traits_type::eof() : traits_type::to_int_type(*gptr());
    }

private:
    void read(std::string_view text) {
        auto* begin = const_cast<char*>(text.data());  // std::streambuf only ever reads it
        setg(begin, begin, begin + text.size());
    }
    std::string_view second_;
};

}  // namespace chaos
