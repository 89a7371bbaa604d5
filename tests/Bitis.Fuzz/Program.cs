using System.Globalization;
using Bitis.Fuzz;

// run [CASES [FIRST [JOBS]]]   runs cases in processes of their own
// one CASE [FOLDER]            runs a case in this process, shows what became of it, and keeps its file in the folder
// child FIRST END NOTE         what the processes do
//
// All settings of the environment, such as BITIS_ISA and BITIS_GUARD, hold for the processes.
switch (args)
{
    case ["child", var first, var end, var note]:
        return FuzzChild.Run(Number(first), Number(end), note);
    case ["one", var seed, .. var folder] when folder.Length <= 1:
        return One(Number(seed), folder.Length == 1 ? folder[0] : null);
    case ["run", .. var rest] when rest.Length <= 3:
        long cases = rest.Length > 0 ? Number(rest[0]) : 10_000, start = rest.Length > 1 ? Number(rest[1]) : 0;
        return new FuzzParent(cases, start, rest.Length > 2 ? (int)Number(rest[2]) : Environment.ProcessorCount).Run();
    default:
        Console.Error.WriteLine("usage: run [CASES [FIRST [JOBS]]], or one CASE [FOLDER]");
        return 2;
}

static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

static int One(long seed, string? folder)
{
    using var fuzzer = new Fuzzer();
    if (folder is not null)
        Console.WriteLine(fuzzer.Keep(seed, folder));
    FuzzOutcome outcome = fuzzer.Run(seed);
    Console.WriteLine($"{outcome.Target}: {outcome.Kind} {outcome.Text}");
    return outcome.Kind == FuzzOutcomeKind.Fault ? 1 : 0;
}
