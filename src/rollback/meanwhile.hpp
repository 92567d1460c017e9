// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <functional>
#include <system_error>
#include <thread>

namespace chaos::rollback {

/// Work that goes on beside what is done while this lives; here and now, where there can be no thread.
class Meanwhile {
public:
    explicit Meanwhile(const std::function<void()>& work) {
        try {
            thread_ = std::thread([this, work] {
                try {
                    work();
                } catch (...) {
                    failure_ = std::current_exception();
                }
            });
        } catch (const std::system_error&) {
            work();
        }
    }
    ~Meanwhile() {
        if (thread_.joinable()) thread_.join();
    }
    Meanwhile(const Meanwhile&) = delete;

    void join() {  ///< Throws what the work threw.
        if (thread_.joinable()) thread_.join();
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    std::exception_ptr failure_;
    std::thread thread_;
};

}  // namespace chaos::rollback
