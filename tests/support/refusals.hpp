// How the programs say no.
#pragma once

#include <string>
#include <vector>

#include "catch.hpp"
#include "process.hpp"

/// `program`, FOLDER/NAME, exits with 2 after a line that says `what`, and the hint to --help.
inline void is_refused(const std::string& program, const std::vector<std::string>& arguments,
                       const std::string& what) {
    Process process(program, arguments);
    const std::string name = program.substr(program.find('/') + 1);
    CHECK(process.wait() == 2);
    CHECK(process.output().empty());
    CHECK(process.errors() == name + ": " + what + "\ntry: " + name + " --help\n");
}

/// It exits with 1 after a line that names the endpoint that is taken, and one that says what to
/// do. Before that it has bound so many others.
inline void finds_taken(const std::string& program, const std::vector<std::string>& arguments,
                        const std::string& endpoint, size_t bound = 0) {
    Process process(program, arguments);
    CHECK(process.wait() == 1);
    CHECK(process.lines().size() == bound);
    CHECK(process.errors() ==
          program.substr(program.find('/') + 1) + ": zmq_bind " + endpoint +
              ": Address already in use\n"
              "another program is bound there: end it, or choose another endpoint\n");
}
