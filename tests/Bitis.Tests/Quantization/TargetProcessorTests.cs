using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Quantization.Recipes;

namespace Bitis.Tests.Quantization;

public sealed class TargetProcessorTests
{
    [Theory]
    [InlineData("avx2", "w7a8")]
    [InlineData("avxvnni", "w8a8")]
    [InlineData("avx512", "w7a8")]
    [InlineData("avx512vnni", "w8a8")]
    [InlineData("arm64", "w8a8")]
    public void Weights_have_seven_bits_where_bytes_have_no_dot_product(string name, string bits) =>
        Assert.Equal(BitWidths.Parse(bits), TargetProcessor.Find(name).Bits);

    [Fact]
    public void Auto_is_what_the_kernels_of_this_machine_prefer()
    {
        InstructionSet set = Int8Gemm.Table.Best.InstructionSet;
        bool hasDotProduct = set is InstructionSet.AvxVnni or InstructionSet.Avx512Vnni or InstructionSet.Portable;
        Assert.Equal(hasDotProduct ? "w8a8" : "w7a8", TargetProcessor.Find("auto").Bits.ToString());
    }

    [Theory]
    [InlineData("w8a8", "w7a8 is faster than w8a8 on avx2, which has no dot product of 8-bit numbers.")]
    [InlineData("w8a6", "w7a6 is faster than w8a6 on avx2, which has no dot product of 8-bit numbers.")]
    [InlineData("w7a8", null)]
    [InlineData("w4a8", null)]
    [InlineData("w8a32", null)]
    [InlineData("w32a8", null)]
    public void Bits_that_a_target_computes_slowly_get_a_note(string bits, string? note)
    {
        Assert.Equal(note, TargetProcessor.Find("avx2").NoteOn(BitWidths.Parse(bits)));
        Assert.Null(TargetProcessor.Find("avx512vnni").NoteOn(BitWidths.Parse(bits)));
    }

    [Fact]
    public void Unknown_targets_are_refused_with_those_that_there_are()
    {
        var refusal = Assert.Throws<BitisException>(() => TargetProcessor.Find("AVX3"));
        Assert.Contains("'AVX3'", refusal.Message);
        Assert.Contains("avx2, avxvnni, avx512, avx512vnni, arm64, auto", refusal.Message);
    }
}
