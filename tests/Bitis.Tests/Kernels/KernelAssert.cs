using Bitis.Kernels.Dispatch;

namespace Bitis.Tests.Kernels;

/// <summary>Compares the forms of an operation with its definition, and with each other.</summary>
internal static class KernelAssert
{
    /// <summary>Asserts that every form gives the expected results, and what the other forms give.</summary>
    public static void FormsAgree(KernelCase data)
    {
        using (data)
        {
            bool isExpected = !data.HasExtremes || data.ExpectsExtremes;
            IReadOnlyList<Expectation> expected = isExpected ? data.Expected() : [];
            Array[]? first = null;
            foreach (Kernel form in data.Forms)
            {
                Array[] actual = data.ResultsOf(form);
                first ??= actual;
                Assert.True(
                    !isExpected || expected.Count == actual.Length, $"{data} defines {expected.Count} results.");
                for (int i = 0; i < actual.Length; i++)
                {
                    string? mismatch = (isExpected ? expected[i].Mismatch(actual[i]) : null)
                        ?? Expectation.Difference(first[i], actual[i], data.IsBitExact);
                    Assert.True(mismatch is null, $"{form}, {data}, result {i} {mismatch}");
                }
            }
        }
    }

    /// <summary>Asserts that every form gives the same bits for two cases that differ in how they are called.</summary>
    public static void SameBits(KernelCase expected, KernelCase actual)
    {
        using (expected)
        using (actual)
        {
            foreach (Kernel form in expected.Forms)
            {
                foreach ((Array a, Array b) in expected.ResultsOf(form).Zip(actual.ResultsOf(form)))
                {
                    string? difference = Expectation.Difference(a, b, isBitExact: true);
                    Assert.True(difference is null, $"{form}, {actual} {difference}");
                }
            }
        }
    }
}
