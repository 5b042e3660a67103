// SPDX-License-Identifier: MIT
/**
 * Programs that start another program, and how each finds it on its command line. Sources: their man pages, and their
 * source code where the pages do not say enough (util-linux 2.41, coreutils 9.7, runit, daemontools, s6, tini, dumb-init).
 */
import type { CommandLine } from './wrapper-line.ts';

/** The result of a command line: words of the program, or text for a shell; null if it starts nothing. */
type Target = { words: readonly string[] } | { text: string } | 'unclear' | null;

/**
 * A row of the table. Lists name options, separated by blanks: a single letter is a short option, others are long.
 */
export interface Wrapper {
  /** short options, as for getopt(3): `n:` has a value, `n::` only one in the same word */
  short?: string;
  /** long options: `name=` has a value, `name=?` only one after an equals sign, `name:2` has that many words */
  long?: string;
  /** long options may have a single dash */
  isSingleDash?: true;
  /** the options are not known, but none has its value in the next word */
  isLoose?: true;
  /** options can follow operands, up to `--` */
  isPermuted?: true;
  /** number of operands before the command */
  operands?: number;
  /** options with which no program is started */
  stops?: string;
  /** options with which the program does not get LD_PRELOAD; `*`: it never does */
  wipes?: string;
  /** options with which the program is in another file tree; `*`: it always is */
  moves?: string;
  /** options that name the directory for relative program names */
  directory?: string;
  /** a service starts the program, so it is not a child, unless one of these options is given */
  service?: { unless: string };
  /** where the command is, if it does not follow options and operands */
  find?: (line: CommandLine) => Target;
}

const words = (found: readonly string[]): Target => (found.length > 0 ? { words: found } : null);
const behind = (line: CommandLine, ...marks: string[]): readonly string[] => {
  const at = line.given.findIndex((word) => marks.includes(word));
  return at < 0 ? [] : line.given.slice(at + 1);
};
const textOf = (line: CommandLine, ...names: string[]): Target => {
  const text = line.value(...names);
  return text === undefined ? null : { text };
};

/** Options differ between shells; only a c among them matters: sh -ec TEXT NAME ARGUMENT. */
const SHELL: Wrapper = {
  isLoose: true,
  find: ({ given }) => {
    let hasText = false;
    for (let at = 0; at < given.length; at++) {
      const word = given[at]!;
      if (!/^[-+]./.test(word) || word === '--')
        return hasText ? { text: given[word === '--' ? at + 1 : at] ?? '' } : null;
      hasText ||= /^-[^-]*c/.test(word);
      if (/^([-+][oO]|--(rcfile|init-file))$/.test(word)) at++;
    }
    return null;
  },
};

const TINI: Wrapper = { short: 'sgvwlhp:e:' };

const SU: Wrapper = {
  short: 'c:fg:G:lmpPTs:u:w:hV',
  long: 'command= session-command= fast group= supp-group= login preserve-environment pty no-pty shell= user= whitelist-environment=',
  isPermuted: true,
  wipes: '- l login',
  find: (line) =>
    line.has('u', 'user') ? words(line.operands) : textOf(line, 'c', 'command', 'session-command'),
};

const SETARCH: Wrapper = {
  short: 'BFILRSTXZ3v',
  long: '32bit fdpic-funcptrs short-inode addr-compat-layout addr-no-randomize whole-seconds sticky-timeouts read-implies-exec mmap-page-zero 3gb 4gb uname-2.6 verbose list show=?',
};

const MPI: Wrapper = {
  short: 'n:c:H:x:N:f:qvVlhs:',
  long: 'np= host= hostfile= hosts= machinefile= ppn= npernode= mca:2 gmca:2 genv:2 env:2 genvlist= envlist= genvall genvnone map-by= bind-to= rank-by= wdir= wd= path= prefix= app= timeout= cpu-set= cpus-per-proc= rankfile= rf= output-filename= output= tune= am= personality= stdin= iface= launcher= rmk= oversubscribe nooversubscribe allow-run-as-root bynode byslot bycore quiet verbose report-bindings tag-output timestamp-output nolocal use-hwthread-cpus use-hwthreads display-map display-allocation bind-to-core bind-to-none print-all-exitcodes prepend-rank',
  isSingleDash: true,
  // there may be several programs, separated by colons
  find: (line) => (line.operands.includes(':') ? 'unclear' : words(line.operands)),
};

/** Rows of subcommands of perf. Its other subcommands start nothing, or are too complex to follow. */
const PERF: Readonly<Record<string, Wrapper>> = {
  'perf stat': {
    short: 'aABcdgiklnNSTvjJe:r:p:t:C:G:x:o:I:D:M:',
    long: 'event= filter= inherit no-inherit pid= tid= all-cpus cpu= all-user all-kernel scale no-scale detailed repeat= big-num no-big-num no-aggr field-separator= cgroup= for-each-cgroup= output= append log-fd= pre= post= interval-print= interval-count= interval-clear timeout= delay= metrics= metric-only metric-no-group metric-no-merge no-merge null sync table per-socket per-core per-die per-node per-thread per-cache=? topdown td-level= json-output control= bpf-counters bpf-prog= quiet summary no-csv-summary smi-cost transaction hybrid-merge verbose',
    stops: 'p t pid tid',
  },
  'perf record': {
    short: 'aAbBdginNPqRsTvWe:p:t:C:u:r:c:o:F:m:k:j:G:D:S::I::z::',
    long: 'event= filter= exclude-perf pid= tid= uid= realtime= all-cpus cpu= count= output= no-inherit inherit freq= strict-freq mmap-pages= group call-graph= quiet verbose stat data phys-addr data-page-size code-page-size timestamp period sample-cpu no-samples raw no-buildid no-buildid-cache cgroup= delay= branch-any branch-filter= weight transaction per-thread clockid= snapshot=? proc-map-timeout= running-time intr-regs=? user-regs=? switch-events switch-output=? switch-max-files= vmlinux= buildid-all buildid-mmap dry-run tail-synthesize overwrite kernel-callchains user-callchains all-kernel all-user timestamp-filename timestamp-boundary namespaces no-namespaces affinity= mmap-flush= max-size= num-thread-synthesize= control= compression-level=? off-cpu threads=? setup-filter= synth= debuginfod=? off-cpu-thresh= latency aio=?',
    stops: 'p t pid tid',
  },
  'perf trace': {
    short: 'aAvfsSTe:p:t:u:C:o:F:m:D:G:i:k:',
    long: 'event= expr= pid= tid= uid= all-cpus cpu= output= verbose summary with-summary summary-mode= errno-summary no-inherit mmap-pages= duration= time comm call-graph= min-stack= max-stack= filter= filter-pids= pf= delay= cgroup= input= syscalls sched sort-events failure force map-dump= libtraceevent_print kernel-syscall-graph print-sample',
    stops: 'p t pid tid i input',
  },
};

export const WRAPPERS: Readonly<Record<string, Wrapper>> = {
  // priority, processors, limits
  choom: { short: 'n:p:', long: 'adjust= pid=', stops: 'p pid' },
  chrt: {
    short: 'abdefimoprRvT:P:D:',
    long: 'all-tasks batch deadline ext fifo idle max other pid reset-on-fork rr verbose sched-runtime= sched-period= sched-deadline=',
    operands: 1,
    stops: 'm p max pid',
  },
  cpulimit: {
    short: 'p:e:P:l:c:s:zikbfqrmvh',
    long: 'pid= exe= path= limit= cpu= signal= lazy include-children kill background foreground quiet restore monitor-forks verbose',
    stops: 'p e P pid exe path',
  },
  cgexec: { short: 'g:sb', long: 'sticky' },
  ionice: {
    short: 'c:n:p:P:u:t',
    long: 'class= classdata= pid= pgid= uid= ignore',
    stops: 'p P u pid pgid uid',
  },
  nice: { short: 'n:0123456789', long: 'adjustment=' },
  numactl: {
    short: 'hsi:p:P:c:N:C:w:m:lS:o:L:f:M:b::Hat',
    long: 'all show hardware interleave= weighted-interleave= preferred= preferred-many= physcpubind= cpunodebind= membind= balancing localalloc shm= file= offset= length= huge shmid= shmmode= strict touch dump dump-nodes verify',
    stops: 's H show hardware',
  },
  prlimit: {
    short: 'c::d::e::f::i::l::m::n::q::r::s::t::u::v::x::y::p:o:',
    long: 'as=? core=? cpu=? data=? fsize=? locks=? memlock=? msgqueue=? nice=? nofile=? nproc=? rss=? rtprio=? rttime=? sigpending=? stack=? pid= output= noheadings raw verbose',
    stops: 'p pid',
  },
  schedtool: { find: (line) => words(behind(line, '-e')), isLoose: true },
  softlimit: { short: 'a:c:d:f:l:m:o:p:r:s:t:' },
  's6-softlimit': { short: 'hHa:c:d:f:l:m:o:p:r:s:t:' },
  taskset: { short: 'acp', long: 'all-tasks cpu-list pid', operands: 1, stops: 'p pid' },
  uclampset: {
    short: 'm:M:asRp:v',
    long: 'all-tasks max system reset-on-fork pid= verbose',
    stops: 'p s pid system',
  },
  ...Object.fromEntries(
    ['i386', 'i486', 'i586', 'i686', 'linux32', 'linux64', 's390', 's390x', 'uname26', 'x86_64'].map(
      (name) => [name, SETARCH],
    ),
  ),
  setarch: {
    ...SETARCH,
    isPermuted: true,
    // the machine can be omitted if there are options
    find: ({ given, operands }) => words(given[0]?.startsWith('-') ? operands : operands.slice(1)),
  },

  // streams, sessions, time
  chronic: { short: 've' },
  daemonize: { short: 'ac:e:E:o:p:u:l:v', directory: 'c' },
  flock: {
    short: 'sexnuw:E:oFv',
    long: 'shared exclusive unlock nonblocking nb timeout= wait= conflict-exit-code= close no-fork verbose fcntl',
    find: ({ operands: [, next, text, ...more] }) =>
      next === '-c' || next === '--command'
        ? { text: text ?? '' }
        : words([next, text, ...more].filter((word) => word !== undefined)),
  },
  ifne: { short: 'n' },
  nohup: {},
  parallel: {
    short: 'j:P:a:n:N:L:I:d:C:S:J:i::l::uktvm0Xqr',
    long: 'jobs= max-procs= arg-file= max-args= max-replace-args= max-lines=? max-chars= delimiter= colsep= sshlogin= sshloginfile= delay= timeout= retries= joblog= results= tmpdir= halt= load= memfree= nice= profile= tagstring= workdir= wd= env= basefile= return= trim= tag keep-order line-buffer ungroup group bar eta progress verbose dry-run null xargs pipe block= will-cite no-notice no-run-if-empty shuf link plus bash quote colour color citation',
    stops: 'pipe S sshlogin sshloginfile',
    find: ({ operands }) => {
      const end = operands.findIndex((word) => /^:::{1,2}\+?$/.test(word));
      const template = end < 0 ? operands : operands.slice(0, end);
      // {} is replaced with the arguments
      return { text: template.filter((word) => !word.includes('{')).join(' ') };
    },
  },
  pgrphack: {},
  rlwrap: {
    short: 'a::b:cC:d:D:e:E:f:F::g:H:iIl:m::M:nNoO:p::P:q:rRs:S:t:TUvw:WxXz:A::',
    isLoose: true,
  },
  's6-setlock': { short: 'nNrwt:d:', operands: 1 },
  script: {
    short: 'aefqO:B:I:T:E:m:o:t::c:',
    long: 'append echo= flush quiet log-out= log-io= log-in= log-timing= logging-format= output-limit= timing=? command= return force',
    isPermuted: true,
    find: (line) => textOf(line, 'c', 'command'),
  },
  setlock: { short: 'nNxX', operands: 1 },
  setsid: { short: 'cfw', long: 'ctty fork wait' },
  stdbuf: { short: 'i:o:e:', long: 'input= output= error=' },
  time: { short: 'f:o:apqvV', long: 'format= output= append portability quiet verbose' },
  timeout: {
    short: 'k:s:vfp',
    long: 'kill-after= signal= foreground preserve-status verbose',
    operands: 1,
  },
  unbuffer: { short: 'p' },
  watch: {
    short: 'bcCd::efgn:pq:rs:tvwx',
    long: 'beep color no-color differences=? errexit exec equexit= chgexit follow interval= precise no-linewrap no-rerun no-title no-wrap shotsdir=',
    find: (line) => (line.has('x', 'exec') ? words(line.operands) : { text: line.operands.join(' ') }),
  },
  xargs: {
    short: '0oprtxa:d:E:I:L:n:P:s:e::i::l::',
    long: 'null arg-file= delimiter= eof=? replace=? max-lines=? max-args= max-procs= max-chars= process-slot-var= open-tty interactive no-run-if-empty verbose exit show-limits',
  },

  // programs that preload libraries; all but one append to LD_PRELOAD
  authbind: { long: 'deep depth=' },
  catchsegv: {},
  eatmydata: {},
  fakeroot: { short: 'l:s:i:b:f:uhv', long: 'lib= faked= save-file= load-file= fd-base= unknown-is-real' },
  faketime: {
    short: 'mfp:',
    long: 'exclude-monotonic disable-monotonic date-prog= pid=',
    operands: 1,
    stops: 'p pid',
  },
  'jemalloc.sh': { wipes: '*' },
  nocache: { short: 'n:' },
  proxychains: { short: 'qf:' },
  proxychains4: { short: 'qf:' },
  torsocks: {
    short: 'u:p:a:P:idqhv',
    long: 'user= pass= address= port= isolate debug quiet shell',
    stops: 'shell',
  },
  tsocks: {},

  // measuring and tracing
  gdb: {
    short: 'x:b:l:s:e:c:p:d:nqwh',
    long: 'ex= eval-command= command= iex= init-eval-command= ix= init-command= cd= directory= symbols= exec= se= core= pid= tty= data-directory= nx nh quiet silent batch batch-silent return-child-result tui nw nowindows args readnow readnever write statistics annotate= interpreter= fullname',
    isSingleDash: true,
    stops: 'p c pid core',
    find: (line) => words(line.has('args') ? line.operands : line.operands.slice(0, 1)),
  },
  gdbserver: {
    long: 'debug debug-format= remote-debug multi attach once wrapper no-startup-with-shell startup-with-shell disable-packet= disable-randomization no-disable-randomization',
    operands: 1,
    stops: 'attach multi',
  },
  heaptrack: { short: 'o:rdap:', long: 'output= raw record-only pid= analyze', stops: 'p a pid analyze' },
  hyperfine: {
    short: 'w:m:M:r:s:p:c:D:S:u:n:C:iN',
    long: 'warmup= min-runs= max-runs= runs= setup= prepare= conclude= cleanup= P:3 parameter-scan:3 parameter-step-size= L:2 parameter-list:2 shell= ignore-failure=? style= sort= time-unit= export-asciidoc= export-csv= export-json= export-markdown= export-orgmode= show-output output= input= command-name= reference= debug-mode',
    isPermuted: true,
    find: ({ operands: [first, second] }) =>
      second === undefined ? (first === undefined ? null : { text: first }) : 'unclear',
  },
  lldb: {
    short: 'a:c:f:K:k:n:o:O:p:r::s:S:bBdeEilPqQVwWX',
    long: 'arch= core= file= source-on-crash= one-line= one-line-before-file= source= source-before-file= source-quietly attach-name= attach-pid= batch wait-for local-lldbinit no-lldbinit',
    stops: 'c n p core attach-name attach-pid',
    isPermuted: true,
  },
  ltrace: {
    short: 'bcCfhiLrStTVa:A:D:e:F:l:n:o:p:s:u:x:X:w:',
    long: 'align= config= debug= demangle indent= library= output= no-signals where=',
    stops: 'p',
  },
  ...PERF,
  rr: {
    isLoose: true,
    find: ({ operands: [first, ...rest] }) => {
      if (first === undefined || /^(replay|ps|pack|dump|ls|traceinfo|sources|rerun)$/.test(first))
        return null;
      if (first !== 'record') return words([first, ...rest]);
      return words(rest.slice(rest.findIndex((word) => !word.startsWith('-'))));
    },
  },
  strace: {
    short: 'a:b:cCdDe:E:fFhiI:kno:O:p:P:qrs:S:tTu:U:vVwxX:yYzZN',
    long: 'attach= columns= const-print-style= daemonize=? debug decode-fds=? decode-pids= detach-on= env= failed-only failing-only follow-forks absolute-timestamps=? instruction-pointer interruptible= kill-on-exit no-abbrev output= output-append-mode output-separately quiet=? relative-timestamps=? seccomp-bpf secontext=? silent=? stack-traces=? stack-trace-frame-limit= status= string-limit= strings-in-hex=? successful-only summary summary-columns= summary-only summary-sort-by= summary-syscall-overhead= summary-wall-clock syscall-limit= syscall-number syscall-times=? tips=? trace= trace-fds= trace-path= user= argv0= always-show-pid',
    stops: 'p attach',
  },
  valgrind: { isLoose: true },

  // users
  capsh: {
    isLoose: true,
    find: (line) => {
      const rest = behind(line, '--', '==');
      return rest.length > 0 ? { words: ['/bin/bash', ...rest] } : null;
    },
  },
  chpst: {
    short: 'u:U:b:e:/:C:n:l:L:m:d:o:p:f:c:r:t:vP012V',
    moves: '/',
    directory: 'C',
  },
  doas: { wipes: '*' },
  envdir: { operands: 1 },
  envuidgid: { operands: 1 },
  gosu: { operands: 1 },
  pg_ctlcluster: { wipes: '*' },
  pkexec: { wipes: '*' },
  runuser: SU,
  's6-applyuidgid': { short: 'u:g:G:Uz' },
  's6-envdir': { short: 'fILnc:', operands: 1 },
  's6-envuidgid': { short: 'uginB', operands: 1 },
  's6-setuidgid': { operands: 1 },
  setpriv: {
    short: 'd',
    long: 'clear-groups groups= inh-caps= ambient-caps= bounding-set= init-groups keep-groups list-caps no-new-privs nnp pdeathsig= ptracer= regid= rgid= egid= reuid= ruid= euid= securebits= selinux-label= apparmor-profile= landlock-access= landlock-rule= seccomp-filter= reset-env dump',
    stops: 'd dump list-caps',
    wipes: 'reset-env',
  },
  setuidgid: { operands: 1 },
  sg: {
    operands: 1,
    find: ({ operands: [, first, second] }) =>
      first === undefined ? null : { text: first === '-c' ? (second ?? '') : first },
  },
  su: SU,
  'su-exec': { operands: 1 },
  sudo: { wipes: '*' },

  // namespaces and file trees
  bwrap: {
    long: 'args= argv0= level-prefix unshare-all share-net unshare-user unshare-user-try unshare-ipc unshare-pid unshare-net unshare-uts unshare-cgroup unshare-cgroup-try userns= userns2= pidns= disable-userns assert-userns-disabled uid= gid= hostname= chdir= setenv:2 unsetenv= clearenv lock-file= sync-fd= bind:2 bind-try:2 dev-bind:2 dev-bind-try:2 ro-bind:2 ro-bind-try:2 bind-fd:2 ro-bind-fd:2 remount-ro= overlay-src= overlay:3 tmp-overlay= ro-overlay= exec-label= file-label= proc= dev= tmpfs= mqueue= dir= file:2 bind-data:2 ro-bind-data:2 symlink:2 chmod:2 seccomp= add-seccomp-fd= block-fd= userns-block-fd= info-fd= json-status-fd= new-session die-with-parent as-pid-1 cap-add= cap-drop= perms= size=',
    wipes: 'clearenv',
    moves: '*',
  },
  chroot: { long: 'groups= userspec= skip-chdir', operands: 1, moves: '*' },
  firejail: { isLoose: true, moves: '*' },
  ip: {
    short: '46BM0shdoajptNn:f:b:l:',
    long: 'netns= family= batch= loops= rcvbuf= rc= stats statistics details human-readable iec resolve oneline timestamp tshort all color=? json pretty brief numeric force Version echo',
    isSingleDash: true,
    // words of ip can be abbreviated: ip netns e, ip vrf ex
    find: (line) => {
      const [object = '', verb = '', ...rest] = line.operands;
      if (!/^(netns?|vrf)$/.test(object) || verb === '' || !'exec'.startsWith(verb)) return null;
      return words(line.has('all') ? rest : rest.slice(1));
    },
  },
  nsenter: {
    short: 'at:m::u::i::n::p::C::U::T::S:G:r::w::W:eFZcN:',
    long: 'all target= mount=? uts=? ipc=? net=? pid=? cgroup=? user=? user-parent time=? setuid= setgid= keep-caps preserve-credentials root=? wd=? wdns= env no-fork follow-context join-cgroup net-socket=',
    wipes: 'e env',
    moves: 'a m r all mount root',
  },
  proot: {
    short: 'r:R:S:b:m:w:q:k:l:v:i:p0n',
    long: 'rootfs= bind= mount= cwd= pwd= qemu= kernel-release= verbose= root-id change-id= kill-on-exit link2symlink',
    moves: '*',
  },
  schroot: { wipes: '*' },
  'systemd-nspawn': { wipes: '*' },
  unshare: {
    short: 'm::u::i::n::p::U::C::T::frcR:w:S:G:l:',
    long: 'mount=? uts=? ipc=? net=? pid=? user=? cgroup=? time=? fork mount-proc=? mount-binfmt=? map-user= map-group= map-users= map-groups= map-root-user map-current-user map-auto map-subids kill-child=? propagation= setgroups= keep-caps root= wd= setuid= setgid= owner= monotonic= boottime= load-interp= forward-signals',
    moves: 'R root',
    directory: 'w wd',
  },
  ...Object.fromEntries(
    ['lxc-attach', 'lxc-execute', 'lxc-start', 'podman', 'crun', 'runc'].map((name) => [
      name,
      { wipes: '*' },
    ]),
  ),

  // process 1, services
  catatonit: { short: 'ghLPV' },
  'dbus-launch': { isLoose: true },
  'dbus-run-session': { long: 'config-file= dbus-daemon=' },
  'docker-init': TINI,
  'dumb-init': { short: 'cr:vhV', long: 'single-child rewrite= verbose' },
  'start-stop-daemon': {
    short: 'SKTHtoqvbCmp:x:a:n:u:s:R:c:g:r:d:N:P:I:k:O:Z',
    long: 'start stop status test oknodo quiet verbose background no-close make-pidfile remove-pidfile pidfile= exec= startas= name= user= pid= ppid= signal= retry= chuid= group= chroot= chdir= nicelevel= procsched= iosched= umask= output= notify-await notify-timeout=',
    isPermuted: true,
    stops: 'K T stop status',
    moves: 'r chroot',
    directory: 'd chdir',
    find: (line) => {
      const program = line.value('a', 'startas') ?? line.value('x', 'exec');
      return program === undefined ? null : { words: [program, ...line.operands] };
    },
  },
  'systemd-cat': { short: 't:p:h', long: 'identifier= priority= stderr-priority= level-prefix= namespace=' },
  'systemd-inhibit': { long: 'what= who= why= mode= list no-pager no-legend no-ask-password json=' },
  'systemd-run': {
    short: 'H:M:C:u:p:t:E:PqSdGrh',
    long: 'no-ask-password user system host= machine= capsule= scope unit= property= description= slice= slice-inherit expand-environment= no-block remain-after-exit wait send-sighup service-type= uid= gid= nice= working-directory= same-dir setenv= pty pty-late pipe quiet shell collect path-property= socket-property= timer-property= on-active= on-boot= on-startup= on-unit-active= on-unit-inactive= on-calendar= on-clock-change on-timezone-change background= job-mode= ignore-failure json=',
    service: { unless: 'scope' },
  },
  tini: TINI,
  'with-contenv': {},
  ...Object.fromEntries(
    [
      ...[
        'at',
        'batch',
        'buildah',
        'crictl',
        'ctr',
        'docker',
        'docker-compose',
        'flatpak',
        'incus',
        'kubectl',
      ],
      ...['lxc', 'machinectl', 'nerdctl', 'run0', 'snap', 'systemctl', 'tmux'],
      ...['aprun', 'bsub', 'jsrun', 'qsub', 'sbatch', 'srun'],
    ].map((name) => [name, { service: { unless: '' } }]),
  ),

  // programs that start others as a part of their own work
  mpiexec: MPI,
  mpirun: MPI,
  orterun: MPI,
  ...Object.fromEntries(['ash', 'bash', 'dash', 'ksh', 'mksh', 'sh', 'zsh'].map((name) => [name, SHELL])),
  'ld.so': {
    long: 'library-path= preload= argv0= audit= inhibit-rpath= inhibit-cache list verify list-tunables list-diagnostics glibc-hwcaps-prepend= glibc-hwcaps-mask=',
    stops: 'list verify list-tunables list-diagnostics',
  },
};
