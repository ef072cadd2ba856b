//! Files as people write them, and what is said about each.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use tracelog::{Loc, Text};

use super::find::{self, Target};
use super::{FileKind, problems};

mod answers;

/// What is found in a file, each with its line from 1, and what is wrong with it.
fn check(kind: FileKind, file: &str, expected: Expect) {
    let text = Text::new(file);
    let slice = |loc: Loc| text.line(loc.line)[loc.start as usize..loc.end as usize].to_owned();
    let mut shown = String::new();
    for assignment in find::assignments(&text, kind) {
        let what = match assignment.target {
            Target::Variable(variable) => {
                assert_eq!(slice(assignment.name), variable.name);
                variable.name
            }
            Target::Directive => "directive",
            Target::Module => "module",
            Target::Misplaced => "misplaced",
        };
        writeln!(shown, "{} {what} <{}>", assignment.value.line + 1, slice(assignment.value)).unwrap();
    }
    for problem in problems(&text, kind) {
        let loc = problem.loc;
        let level = format!("{:?}", problem.severity).to_lowercase();
        writeln!(shown, "{} {} {level} <{}> {}", loc.line + 1, problem.code.id(), slice(loc), problem.message).unwrap();
    }
    expected.assert_eq(&shown);
}

#[test]
fn dotenv_files() {
    check(
        FileKind::Dotenv,
        r#"# GODEBUG=commented=1
GODEBUG=gctrace=1,schedtrace=1000
export GODEBUG="gctrace=1,madvdontneed=0"   # quoted
GODEBUG='gctrace=1, scheddetail=1'
  GODEBUG = gctrace=1 # comment
MY_GODEBUG=gctraec=1
GODEBUG=gctraec=1,allocfreetrace=1
GODEBUG=$BASE,gctraec=1,gctrace=${LEVEL}
GODEBUG=
CERT="-----BEGIN
GODEBUG=gctraec=1
-----END"
GOMEMLIMIT=512Mi
GOMEMLIMIT=512MiB
GOGC=100%
GOMAXPROCS=2.5
GOTRACEBACK=full
GOMEMLIMIT=${LIMIT}
GODEBUG=default=go1.21
"#,
        expect![[r#"
            2 GODEBUG <gctrace=1,schedtrace=1000>
            3 GODEBUG <gctrace=1,madvdontneed=0>
            4 GODEBUG <gctrace=1, scheddetail=1>
            5 GODEBUG <gctrace=1>
            7 GODEBUG <gctraec=1,allocfreetrace=1>
            8 GODEBUG <$BASE,gctraec=1,gctrace=${LEVEL}>
            9 GODEBUG <>
            13 GOMEMLIMIT <512Mi>
            14 GOMEMLIMIT <512MiB>
            15 GOGC <100%>
            16 GOMAXPROCS <2.5>
            17 GOTRACEBACK <full>
            18 GOMEMLIMIT <${LIMIT}>
            19 GODEBUG <default=go1.21>
            4 GD106 warning < scheddetail=1> the blank becomes part of the setting, so scheddetail is not read as written
            7 GD101 warning <gctraec> no release up to Go 1.27 knows the setting gctraec; did you mean gctrace?
            7 GD102 warning <allocfreetrace> allocfreetrace was removed in Go 1.23: programs built with that release or later ignore it
            8 GD101 warning <gctraec> no release up to Go 1.27 knows the setting gctraec; did you mean gctrace?
            13 GD108 error <512Mi> programs do not start with GOMEMLIMIT=512Mi: write 512MiB
            15 GD108 warning <100%> GOGC=100% is not read, 100 holds: it is a whole number without a sign for percent, or off
            16 GD108 warning <2.5> GOMAXPROCS=2.5 is not read, the default holds: it is a whole number above 0
            17 GD108 warning <full> full is no level of GOTRACEBACK: those are none, single, all, system, crash, or a number
            19 GD101 warning <default> default counts in //go:debug lines, go.mod and go.work only
        "#]],
    );
}

#[test]
fn dockerfiles() {
    check(
        FileKind::Dockerfile,
        r#"# syntax=docker/dockerfile:1
FROM golang:1.27 AS build
ARG GODEBUG=gctrace=1
ENV CGO_ENABLED=0 \
    # a comment in between
    GODEBUG="gctrace=1,gctrace=2" \
    GOMEMLIMIT=750M
ENV GODEBUG gctrace=1,inittrace=1
RUN --mount=type=cache,target=/cache GODEBUG=gocachehash=1 go build ./... && \
    GODEBUG=x509sha1=1 ./probe
RUN <<SCRIPT
GODEBUG=gctrace=on ./app
echo "it's"
SCRIPT
ENV GODEBUG=$GODEBUG,netdns=go+2
LABEL note="GODEBUG=gctraec=1"
CMD ["env", "GODEBUG=gctrace=1,schedtrace=1s", "/app", "-x"]
ENTRYPOINT ["sh", "-c", "GODEBUG=gctrace=1 exec /app"]
HEALTHCHECK --interval=5s CMD GODEBUG=netdns=gocgo /probe
ONBUILD ENV GOGC=off
"#,
        expect![[r#"
            3 GODEBUG <gctrace=1>
            6 GODEBUG <gctrace=1,gctrace=2>
            7 GOMEMLIMIT <750M>
            8 GODEBUG <gctrace=1,inittrace=1>
            9 GODEBUG <gocachehash=1>
            10 GODEBUG <x509sha1=1>
            12 GODEBUG <gctrace=on ./app>
            15 GODEBUG <$GODEBUG,netdns=go+2>
            17 GODEBUG <gctrace=1,schedtrace=1s>
            18 GODEBUG <gctrace=1>
            19 GODEBUG <netdns=gocgo>
            20 GOGC <off>
            6 GD104 warning <gctrace> gctrace is set again further on, and the last one counts: 2
            7 GD108 error <750M> programs do not start with GOMEMLIMIT=750M: a whole number with B, KiB, MiB, GiB, TiB or nothing behind it
            10 GD102 warning <x509sha1> x509sha1 was removed in Go 1.24: programs built with Go 1.27 or later do not start with this value
            17 GD103 warning <1s> 1s is not a whole number, so schedtrace is ignored
            19 GD103 warning <gocgo> gocgo is ignored: netdns is go, cgo, a level, or both with a "+" between
        "#]],
    );
    check(
        FileKind::Dockerfile,
        "# escape=`\nFROM x\nENV A=b `\n    GODEBUG=gctrace=1 `\n    GOGC=50\nRUN dir C:\\\nENV GOGC=5O\n",
        expect![[r#"
            4 GODEBUG <gctrace=1>
            5 GOGC <50>
            7 GOGC <5O>
            7 GD108 warning <5O> GOGC=5O is not read, 100 holds: it is a whole number without a sign for percent, or off
        "#]],
    );
}

#[test]
fn kubernetes_manifests() {
    check(
        FileKind::Yaml,
        r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: api   # not a variable
spec:
  template:
    spec:
      containers:
      - name: api
        image: api:1
        args: ["-x", "GODEBUG=gctraec=1"]
        env:
        - name: GODEBUG
          value: "gctrace=1,schedtrace=1000"
        - value: gctrace=1,gctraec=1
          name: GODEBUG
        - name: GODEBUG
          valueFrom:
            configMapKeyRef:
              name: debug
              key: godebug
        - name: GOMEMLIMIT
          value: 512Mi
        - name: GOMEMLIMIT
          valueFrom:
            resourceFieldRef:
              resource: limits.memory
        - name: GOMAXPROCS
          value: "2"
        - name: OTHER
          value: gctraec=1
        - {name: GODEBUG, value: "gctraec=1"}
        -   name: "GODEBUG"
            # between
            value: 'gctrace=1,  inittrace=1'
        - name: GODEBUG
          value: "{{ .Values.godebug }}"
        - name: GODEBUG
          value: >-
            gctraec=1
        - name: GODEBUG
          value: "gctrace=1,
            gctraec=1"
---
kind: ConfigMap
data:
  GODEBUG: gctrace=1,panicnil=yes
  GOGC: "off"
  script: |
    export GODEBUG=gctraec=1
  config: |
    GODEBUG: gctraec=1
"#,
        expect![[r#"
            14 GODEBUG <gctrace=1,schedtrace=1000>
            15 GODEBUG <gctrace=1,gctraec=1>
            23 GOMEMLIMIT <512Mi>
            29 GOMAXPROCS <2>
            35 GODEBUG <gctrace=1,  inittrace=1>
            37 GODEBUG <{{ .Values.godebug }}>
            47 GODEBUG <gctrace=1,panicnil=yes>
            48 GOGC <off>
            50 GODEBUG <gctraec=1>
            15 GD101 warning <gctraec> no release up to Go 1.27 knows the setting gctraec; did you mean gctrace?
            23 GD108 error <512Mi> programs do not start with GOMEMLIMIT=512Mi: write 512MiB
            35 GD106 warning <  inittrace=1> the blank becomes part of the setting, so inittrace is not read as written
            47 GD103 warning <yes> yes is not a whole number, so panicnil is ignored
            50 GD101 warning <gctraec> no release up to Go 1.27 knows the setting gctraec; did you mean gctrace?
        "#]],
    );
}

#[test]
fn compose_files_and_workflows() {
    check(
        FileKind::Yaml,
        r#"services:
  web:
    image: web
    environment:
      GODEBUG: gctrace=1,http2debug=3
      GOMAXPROCS: 0
      OTHER: {GODEBUG: gctrace=1,
        schedtrace: 5}
    command: sh -c "GODEBUG=gctraec=1 ./web"
  worker:
    environment:
      - GODEBUG=gctrace=1,schedtrace=1000
      - "GODEBUG=asynctimerchan=1,gctrace=1"
      - 'GOGC=off'
      - GODEBUG
      - GODEBUG=${GODEBUG:-gctraec=1}
jobs:
  test:
    env: &env
      GODEBUG: "cpu.avx2=off,cpu.sse=maybe"
    steps:
      - name: GODEBUG
        run: GODEBUG=gctrace=1 go test ./... # "GODEBUG=no=1"
      - run: |
          export GODEBUG=inittrace=1
          if true; then
            GODEBUG=gctrace=one go test
          fi

          echo 'GODEBUG=
            gctraec=1'
        env:
          GODEBUG: *shared
      - uses: x/y@v1
        with: { value: GODEBUG }
"#,
        expect![[r#"
            5 GODEBUG <gctrace=1,http2debug=3>
            6 GOMAXPROCS <0>
            12 GODEBUG <gctrace=1,schedtrace=1000>
            13 GODEBUG <asynctimerchan=1,gctrace=1>
            14 GOGC <off>
            16 GODEBUG <${GODEBUG:-gctraec=1}>
            20 GODEBUG <cpu.avx2=off,cpu.sse=maybe>
            23 GODEBUG <gctrace=1>
            25 GODEBUG <inittrace=1>
            27 GODEBUG <gctrace=one>
            5 GD103 warning <3> http2debug means the default here: 3 is none of the values 0, 1, 2
            6 GD108 warning <0> GOMAXPROCS=0 is not read, the default holds: it is a whole number above 0
            13 GD102 warning <asynctimerchan> asynctimerchan was removed in Go 1.27: programs built with Go 1.27 or later do not start with this value
            20 GD103 warning <maybe> maybe is ignored: a CPU feature is on or off
            27 GD103 warning <one> one is not a whole number, so gctrace is ignored
        "#]],
    );
}

#[test]
fn shell_scripts() {
    check(
        FileKind::Shell,
        r#"#!/bin/bash
# GODEBUG=gctraec=1
export GODEBUG=gctrace=1,scavtrace=1
GODEBUG="gctrace=1" GOGC=off ./app --flag 2>gc.log &
env -i GODEBUG='gcpacertrace=1' ./app
docker run -e GODEBUG=gctrace=1 --env=GOMEMLIMIT=1GB "-e" "GODEBUG=gctrace=1,x=1" img
gcloud run deploy --set-env-vars GODEBUG=gctrace=1,GOGC=50,FOO=bar
GODEBUG=gctrace=1, schedtrace=1000 ./app
GODEBUG+=",sbrk=1"
export GODEBUG="${GODEBUG:+$GODEBUG,}gctrace=1"
if [ "$GODEBUG" = "" ]; then GODEBUG=gctrace=1; fi
(GODEBUG=gctrace=1 ./app)
sh -c "GODEBUG=gctrace=1 ./app, x=1"
awk '
  GODEBUG=gctraec=1
' file; GODEBUG=gctrace=1 ./b
cat > .env <<'END'
GODEBUG=gctraec=1
don't
END
echo $((1 << 4)) GODEBUG=gctrace=1
cat <<-TEXT | tee x
	it's
	TEXT
curl "http://x/?GODEBUG=gctraec=1"
x="$(GODEBUG=gctraec=1 ./app)"
GODEBUG=gctrace ./app
"#,
        expect![[r#"
            3 GODEBUG <gctrace=1,scavtrace=1>
            4 GODEBUG <gctrace=1>
            4 GOGC <off>
            5 GODEBUG <gcpacertrace=1>
            6 GODEBUG <gctrace=1>
            6 GOMEMLIMIT <1GB>
            6 GODEBUG <gctrace=1,x=1>
            7 GODEBUG <gctrace=1,GOGC=50,FOO=bar>
            8 GODEBUG <gctrace=1,>
            9 GODEBUG <,sbrk=1>
            10 GODEBUG <${GODEBUG:+$GODEBUG,}gctrace=1>
            11 GODEBUG <gctrace=1>
            12 GODEBUG <gctrace=1>
            13 GODEBUG <gctrace=1>
            16 GODEBUG <gctrace=1>
            18 GODEBUG <gctraec=1>
            21 GODEBUG <gctrace=1>
            27 GODEBUG <gctrace>
            6 GD108 error <1GB> programs do not start with GOMEMLIMIT=1GB: a whole number with B, KiB, MiB, GiB, TiB or nothing behind it
            6 GD101 info <x> no release up to Go 1.27 knows the setting x; only a package of the program's own could read it
            8 GD106 warning <schedtrace> the blank ends the list, so schedtrace is not part of it
            18 GD101 warning <gctraec> no release up to Go 1.27 knows the setting gctraec; did you mean gctrace?
            27 GD106 warning <gctrace> without "=" and a value gctrace is passed over
        "#]],
    );
}

#[test]
fn makefiles() {
    check(
        FileKind::Makefile,
        "\
export GODEBUG := gctrace=1,schedtrace=100 # every tenth
GODEBUG ?= gctrace=1
GOFLAGS = -v GODEBUG=gctraec=1
GODEBUG != ./settings
test bench: export GODEBUG = gctrac=1
debug: override GODEBUG += ,inittrace=1
GODEBUG = gctraec=1,\\
  schedtrace=1
run: build
\t@GODEBUG=gctrace=1 ./app 'it' \\
\t  GODEBUG=$(LEVEL),gctraec=1 x
\t-env GODEBUG=\"gctrace=$$LEVEL\" ./app # GODEBUG=no=1
ifeq ($(GODEBUG),gctraec=1)
endif
# GODEBUG = gctraec=1
",
        expect![[r#"
            1 GODEBUG <gctrace=1,schedtrace=100>
            2 GODEBUG <gctrace=1>
            5 GODEBUG <gctrac=1>
            6 GODEBUG <,inittrace=1>
            10 GODEBUG <gctrace=1>
            11 GODEBUG <$(LEVEL),gctraec=1>
            12 GODEBUG <gctrace=$$LEVEL>
            5 GD101 warning <gctrac> no release up to Go 1.27 knows the setting gctrac; did you mean gctrace?
            11 GD101 warning <gctraec> no release up to Go 1.27 knows the setting gctraec; did you mean gctrace?
        "#]],
    );
}

#[test]
fn systemd_units() {
    check(
        FileKind::Systemd,
        r#"[Service]
# Environment=GODEBUG=gctraec=1
Environment=GODEBUG=gctrace=1
Environment="GODEBUG=gctrace=1, schedtrace=1000" "GOGC=off" OTHER=x
Environment='GODEBUG=madvdontneed=1' \
    ; a comment in between
    "GOMEMLIMIT=2G" \
    GOMAXPROCS=4
Environment=GODEBUG="gctrace=%i"
Environment=GODEBUG=gctrace=1, schedtrace=5
ExecStart=/usr/bin/env GODEBUG=gctrace=yes /usr/bin/app --x=GODEBUG
ExecStartPre=/bin/sh -c "GODEBUG=gctrace=1 /usr/bin/app"
PassEnvironment=GODEBUG
Description=Sets GODEBUG=gctraec=1
"#,
        expect![[r#"
            3 GODEBUG <gctrace=1>
            4 GODEBUG <gctrace=1, schedtrace=1000>
            4 GOGC <off>
            5 GODEBUG <madvdontneed=1>
            7 GOMEMLIMIT <2G>
            8 GOMAXPROCS <4>
            9 GODEBUG <gctrace=%i>
            10 GODEBUG <gctrace=1,>
            11 GODEBUG <gctrace=yes>
            12 GODEBUG <gctrace=1>
            4 GD106 warning < schedtrace=1000> the blank becomes part of the setting, so schedtrace is not read as written
            7 GD108 error <2G> programs do not start with GOMEMLIMIT=2G: a whole number with B, KiB, MiB, GiB, TiB or nothing behind it
            10 GD106 warning <schedtrace> the blank ends the list, so schedtrace is not part of it
            11 GD103 warning <yes> yes is not a whole number, so gctrace is ignored
        "#]],
    );
}

#[test]
fn go_files() {
    check(
        FileKind::Go,
        r#"// Copyright.

/*
//go:debug gctraec=1
*/
//go:debug panicnil=1
//go:debug gctrace=1
//go:debug http2client=0
//go:debug panicnil=0
//go:debug asynctimerchan=1
//go:debug tlskyber=1
//go:debug default=go1.21
//go:debug default=1.21
//go:debug madvdontneed = 1
//go:debug netdns=go,gctrace=1
//go:debug panicnul=1
//go:debug
//go:debugger x=1
 //go:debug indented=1
// Package comment.
package main

//go:debug execerrdot=0

const x = `
//go:debug gctraec=1
` + "`" + `
//go:debug y=1`

var r = '`' // a `quote
//go:debug httpmuxgo121=1
func main() {}
"#,
        expect![[r#"
            6 directive <panicnil=1>
            7 directive <gctrace=1>
            8 directive <http2client=0>
            9 directive <panicnil=0>
            10 directive <asynctimerchan=1>
            11 directive <tlskyber=1>
            12 directive <default=go1.21>
            13 directive <default=1.21>
            14 directive <madvdontneed = 1>
            15 directive <netdns=go,gctrace=1>
            16 directive <panicnul=1>
            23 misplaced <execerrdot=0>
            31 misplaced <httpmuxgo121=1>
            7 GD105 error <gctrace> gctrace is not accepted here and the build fails: set it in the environment, as GODEBUG=gctrace=1
            9 GD104 error <panicnil> panicnil is set twice, so the build fails
            10 GD102 warning <asynctimerchan> asynctimerchan was removed in Go 1.27: Go 1.27 and later do not build with this value
            11 GD102 info <tlskyber> tlskyber was removed in Go 1.24: the line can go
            13 GD103 error <1.21> 1.21 is not a Go release such as go1.21, so the build fails
            13 GD104 error <default> default is set twice, so the build fails
            14 GD106 error <madvdontneed = 1> blanks and commas are not allowed here; the build fails: one setting a line
            15 GD106 error <netdns=go,gctrace=1> blanks and commas are not allowed here; the build fails: one setting a line
            16 GD101 error <panicnul> builds with Go up to 1.27 fail: they know no setting panicnul; did you mean panicnil?
            23 GD107 warning <go:debug> the build does not look at this line: //go:debug counts above the package clause of package main and of test files
            31 GD107 warning <go:debug> the build does not look at this line: //go:debug counts above the package clause of package main and of test files
        "#]],
    );
    check(
        FileKind::Go,
        "//go:debug panicnil=1\npackage lib\n",
        expect![[r#"
        1 misplaced <panicnil=1>
        1 GD107 warning <go:debug> the build does not look at this line: //go:debug counts above the package clause of package main and of test files
    "#]],
    );
    check(
        FileKind::GoTest,
        "//go:debug panicnil=1\npackage lib\n",
        expect![[r#"
            1 directive <panicnil=1>
        "#]],
    );
}

#[test]
fn module_files() {
    check(
        FileKind::GoMod,
        r#"module example.com/godebug

go 1.25

godebug default=go1.21
godebug (
	panicnil=1 // comment
	gctrace=1
	asynctimerchan=0
	panicnil=0

	tls10server=1
	// http2client=x
)
require example.com/godebug v1.0.0
godebug madvdontneed=1
"#,
        expect![[r#"
            5 module <default=go1.21>
            7 module <panicnil=1>
            8 module <gctrace=1>
            9 module <asynctimerchan=0>
            10 module <panicnil=0>
            11 module <>
            12 module <tls10server=1>
            13 module <>
            16 module <madvdontneed=1>
            8 GD105 error <gctrace> gctrace is not accepted here and the build fails: set it in the environment, as GODEBUG=gctrace=1
            9 GD102 info <asynctimerchan> asynctimerchan was removed in Go 1.27: the line can go
            10 GD104 warning <panicnil> panicnil is set a second time, and this one counts
            12 GD102 warning <tls10server> tls10server was removed in Go 1.27: Go 1.27 and later do not build with this value
            16 GD105 error <madvdontneed> madvdontneed is not accepted here and the build fails: set it in the environment, as GODEBUG=madvdontneed=1
        "#]],
    );
}
