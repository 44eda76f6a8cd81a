// What the sources of this folder share with each other, and no program needs.
#pragma once

#include <stdexcept>
#include <string>

inline std::string program = "?";  // the last part of argv[0], set by parse()

/// A zmq_* call failed. `hint` says what to do about it, or is empty.
struct CallFailed : std::runtime_error {
    CallFailed(const std::string& what, std::string what_to_do)
        : std::runtime_error(what), hint(std::move(what_to_do)) {}
    std::string hint;
};
struct WrongArgument : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct HelpShown {};
struct Interrupted {};  // not a std::exception: nobody takes it for an error

bool interrupted();      // a signal has come
int interrupt_status();  // the exit status it leads to; says so on standard error
