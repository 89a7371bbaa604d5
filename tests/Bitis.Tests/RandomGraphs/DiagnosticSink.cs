using Xunit.Abstractions;
using Xunit.Sdk;

namespace Bitis.Tests.RandomGraphs;

/// <summary>
/// Says how far a long test has come, while it runs; seen with <c>-- xUnit.DiagnosticMessages=true</c>.
/// </summary>
/// <param name="sink">Where xUnit takes messages.</param>
public sealed class DiagnosticSink(IMessageSink sink)
{
    /// <summary>Says something.</summary>
    public void Say(string message) => sink.OnMessage(new DiagnosticMessage(message));
}
