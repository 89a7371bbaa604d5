using System.Reflection;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Scan;

namespace Bitis.Tests.Kernels;

public sealed class KernelTableTests
{
    [Fact]
    public void Names_are_unique_and_follow_the_grammar()
    {
        Kernel[] all = [.. KernelTables.All];
        Assert.Equal(all.Length, all.Select(kernel => kernel.Name).Distinct().Count());
        foreach (Kernel kernel in all)
        {
            Assert.StartsWith(kernel.Operation + "-", kernel.Name);
            Assert.EndsWith("-" + InstructionSets.NameOf(kernel.InstructionSet), kernel.Name);
        }
        Assert.Contains(all, kernel => kernel.Name == "u8s8-gemm-6x16-avxvnni");
    }

    [Fact]
    public void No_table_is_left_out()
    {
        var tables = typeof(KernelTables).Assembly.GetTypes()
            .Where(type => !type.ContainsGenericParameters)
            .SelectMany(type => type.GetProperties(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(
                property => property.PropertyType is { IsGenericType: true } type
                    && type.GetGenericTypeDefinition() == typeof(KernelTable<>))
            .ToList();
        Assert.Contains(tables, property => property.DeclaringType == typeof(IntegerScanGradient));
        HashSet<Kernel> all = [.. KernelTables.All];
        int rows = 0;
        foreach (PropertyInfo property in tables)
        {
            object table = property.GetValue(null)!;
            foreach (Kernel row in
                (IEnumerable<Kernel>)property.PropertyType.GetProperty(
                    nameof(KernelTable<Kernel>.Rows))!.GetValue(table)!)
            {
                Assert.True(all.Contains(row), $"{row} of {property.DeclaringType!.Name} is not in KernelTables.All.");
                rows++;
            }
        }
        Assert.Equal(all.Count, rows);
        Assert.Equal(["i16-scan-gradient-portable"], KernelTables.ParseForced("i16-scan-gradient-portable"));
        Assert.Equal(["i16-scan-gradient-portable"], KernelTables.ParseForced("I16-Scan-Gradient-PORTABLE"));
    }

    [Fact]
    public void Every_operation_has_one_portable_form_and_it_is_the_last()
    {
        foreach (IGrouping<string, Kernel> operation in KernelTables.All.GroupBy(kernel => kernel.Operation))
        {
            Assert.Single(operation, kernel => kernel.InstructionSet == InstructionSet.Portable);
            Assert.Equal(InstructionSet.Portable, operation.Last().InstructionSet);
        }
    }

    [Fact]
    public void The_best_form_is_the_first_that_is_supported_and_allowed()
    {
        foreach (InstructionSet allowed in InstructionSets.Detected)
        {
            Int8GemmKernel chosen = Int8Gemm.Table.Choose([], allowed);
            Assert.Equal(Int8Gemm.Table.Rows.First(row => row.IsSupported && row.InstructionSet <= allowed), chosen);
        }
        Assert.Equal(InstructionSet.Portable, Int8Gemm.Table.Choose([], InstructionSet.Portable).InstructionSet);
    }

    [Fact]
    public void A_forced_name_wins_for_its_operation_only()
    {
        string portable = Int8Gemm.Table.Rows[^1].Name;
        IReadOnlyCollection<string> forced = KernelTables.ParseForced($" {portable} ,f32-scan-portable");
        Assert.Equal(portable, Int8Gemm.Table.Choose(forced, InstructionSets.Detected[^1]).Name);
        Assert.Equal("f32-scan-portable", SelectiveScan.Table.Choose(forced, InstructionSets.Detected[^1]).Name);
        Assert.Equal(FloatGemm.Table.Runnable.First(), FloatGemm.Table.Choose(forced, InstructionSets.Detected[^1]));
        Assert.Empty(KernelTables.ParseForced(null));
    }

    [Fact]
    public void An_unknown_name_is_refused_with_the_names_that_can_run()
    {
        BitisException exception = Assert.Throws<BitisException>(() => KernelTables.ParseForced("f32-gemm-fast"));
        Assert.Contains("f32-gemm-fast", exception.Message);
        Assert.Contains(FloatGemm.Table.Runnable.First().Name, exception.Message);
        Assert.DoesNotContain("f32-scan-portable", exception.Message);
        Assert.Contains("'f32-scan-'", Assert.Throws<BitisException>(() => KernelTables.ParseForced("fast")).Message);
    }
}
