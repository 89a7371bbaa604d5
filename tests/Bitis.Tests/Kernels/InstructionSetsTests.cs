using System.Text.RegularExpressions;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Scan;

namespace Bitis.Tests.Kernels;

public sealed class InstructionSetsTests
{
    private static readonly Regex Question = new(
        @"\b(Vector(256|512)\.IsHardwareAccelerated|(Avx|Fma|Dp\b)\w*(\.\w+)?\.IsSupported)",
        RegexOptions.ExplicitCapture,
        TimeSpan.FromSeconds(1));

    [Fact]
    public void Without_a_choice_the_best_one_is_taken()
    {
        Assert.Equal(InstructionSets.Detected[^1], InstructionSets.Choose(null));
        Assert.Equal(InstructionSets.Detected[^1], InstructionSets.Choose(""));
        Assert.Equal(InstructionSet.Portable, InstructionSets.Detected[0]);
    }

    [Fact]
    public void Each_detected_one_can_be_chosen_by_name_in_any_case()
    {
        foreach (InstructionSet instructionSet in InstructionSets.Detected)
        {
            string name = InstructionSets.NameOf(instructionSet);
            Assert.Equal(instructionSet, InstructionSets.Choose(name));
            Assert.Equal(instructionSet, InstructionSets.Choose($" {name.ToUpperInvariant()} "));
        }
    }

    [Fact]
    public void Unknown_and_missing_ones_are_refused_with_what_there_is()
    {
        string[] refused =
        [
            "sse9",
            .. Enum.GetValues<InstructionSet>().Except(InstructionSets.Detected).Select(InstructionSets.NameOf),
        ];
        foreach (string name in refused)
        {
            BitisException exception = Assert.Throws<BitisException>(() => InstructionSets.Choose(name));
            Assert.Contains($"BITIS_ISA={name}", exception.Message);
            Assert.Contains(
                "Valid names: portable, avx2, avxvnni, avx512, avx512vbmi, avx512vnni, arm64, arm64dp.",
                exception.Message);
            Assert.Contains("This machine has: portable", exception.Message);
        }
    }

    [Fact]
    public void The_environment_is_obeyed()
    {
        string? value = Environment.GetEnvironmentVariable(InstructionSets.Variable);
        Assert.Equal(InstructionSets.Choose(value), InstructionSets.Current);
        Assert.Equal(
            SelectiveScan.Table.Choose(KernelTables.Forced, InstructionSets.Current), SelectiveScan.Table.Best);
    }

    /// <summary>A loop that asks the processor itself would use what <c>BITIS_ISA</c> forbids.</summary>
    [Fact]
    public void Nobody_else_asks_the_processor()
    {
        string[] allowed = ["InstructionSets.cs", "Int8GemmVnni.cs"];
        string sources = Path.Combine(ReadmeTests.Root, "src");
        string[] asking =
        [
            .. Directory.EnumerateFiles(sources, "*.cs", SearchOption.AllDirectories)
                .Where(file => File.ReadLines(file).Any(Question.IsMatch))
                .Select(file => Path.GetFileName(file)),
        ];
        Assert.Equal(allowed.Order(), asking.Order());
    }
}
