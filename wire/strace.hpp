// What strace writes about a program becomes a recording.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "recording.hpp"

/// The options of strace that read_traces() understands; the name of the logs follows.
std::vector<std::string> strace_command(const std::string& log);

struct Traced {
    Program program;
    std::vector<std::string> logs;  // of strace -ff: the text of one for each thread
};

struct Reading {
    Recording recording;                   // without pattern and note
    std::map<std::string, int> listening;  // how many sockets each program has bound
};

/// `shown` has what is to stand for what, such as an address for another.
Reading read_traces(const std::vector<Traced>& traced,
                    const std::vector<std::pair<double, std::string>>& signals,
                    const std::vector<std::pair<std::string, std::string>>& shown);
